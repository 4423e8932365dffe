/** Recognises a database that refuses writes by the error codes of SQLite and the file system. */

/** Full, read-only, failing or locked; also as the kinds of `lib/store/sqlite/store-errors.ts`. */
const REASONS: readonly [RegExp, string][] = [
  [/^(?:SQLITE_FULL|ENOSPC|EDQUOT|disk-full)$/, 'its disk is full'],
  [/^(?:SQLITE_READONLY|EROFS|read-only$)/, 'its file is read-only'],
  [/^(?:SQLITE_BUSY|SQLITE_LOCKED|busy$)/, 'another program has locked it'],
  [/^(?:SQLITE_IOERR|SQLITE_CORRUPT|SQLITE_CANTOPEN|io$|damaged$)/, 'its file can’t be read or written'],
];

/** A sentence safe for any client (no path, no system text); null when the error is something else. */
export function storageRefusal(error: unknown): string | null {
  for (const code of errorCodesOf(error)) {
    const [, why] = REASONS.find(([known]) => known.test(code)) ?? [];
    if (why !== undefined) {
      return `The dashboard’s database cannot be written: ${why}. Nothing was stored; fix this, then try again.`;
    }
  }
  return null;
}

/** The codes and kinds of an error and of its causes. */
function errorCodesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const codes = ['code' in error ? error.code : null, 'kind' in error ? error.kind : null];
  return [...codes.filter((word) => typeof word === 'string'), ...errorCodesOf(error.cause)];
}
