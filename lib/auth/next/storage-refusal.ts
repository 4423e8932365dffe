/** Tells a database that refuses from a fault of the program, by what SQLite and the file system say. */

/** Full, read-only, failing or held by another program; also as the kinds of `lib/store/sqlite/store-errors.ts`. */
const REASONS: readonly [RegExp, string][] = [
  [/^(?:SQLITE_FULL|ENOSPC|EDQUOT|disk-full)$/, 'its disk is full'],
  [/^(?:SQLITE_READONLY|EROFS|read-only$)/, 'its file can’t be changed'],
  [/^(?:SQLITE_BUSY|SQLITE_LOCKED|busy$)/, 'another program holds it'],
  [/^(?:SQLITE_IOERR|SQLITE_CORRUPT|SQLITE_CANTOPEN|io$|damaged$)/, 'its file can’t be read or written'],
];

/** A sentence for everybody (no path, no text of the system); null when the error is something else. */
export function storageRefusal(error: unknown): string | null {
  for (const word of wordsOf(error)) {
    const [, why] = REASONS.find(([known]) => known.test(word)) ?? [];
    if (why !== undefined) {
      return `The dashboard’s database takes no changes now: ${why}. Nothing was stored; try again when that is mended.`;
    }
  }
  return null;
}

/** The codes and kinds of an error and of what caused it. */
function wordsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = ['code' in error ? error.code : null, 'kind' in error ? error.kind : null];
  return [...own.filter((word) => typeof word === 'string'), ...wordsOf(error.cause)];
}
