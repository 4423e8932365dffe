/** The manifest beside a backup: written last, after the check, so that a backup without one does not count. */
import { z } from 'zod';

export const BACKUP_FORMAT = 1;

const chainLink = z.object({ id: z.int(), hash: z.string() });

export const manifestSchema = z.object({
  format: z.literal(BACKUP_FORMAT),
  /** Name of the backup file. */
  file: z.string(),
  bytes: z.int(),
  /** Of the file as stored, encrypted or not, in lower-case hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  encrypted: z.boolean(),
  /** When the copy was started and when its check passed, epoch milliseconds. */
  createdAt: z.number(),
  checkedAt: z.number(),
  /** The version of NixFleet that made it. */
  version: z.string(),
  /** Time of the newest migration, epoch milliseconds. */
  schema: z.number(),
  /** Rows of each table. */
  rows: z.record(z.string(), z.int()),
  /** Names of the secrets in the backup. */
  secrets: z.array(z.string()),
  /** The newest event of the chain `main`: a witness. Null when there was none. */
  head: chainLink.nullable(),
  /** That of the chain `peers`. Versions before this field ignore it. */
  peersHead: chainLink.nullable().optional(),
  /** Problems of the chain of events in the backup; empty when it is intact. The copy is exact either way. */
  chainProblems: z.array(z.string()),
  /**
   * Identifies the state that a start backed up before a migration, in lower-case hex. Versions before this field
   * ignore it.
   */
  source: z.string().optional(),
});

export type BackupManifest = z.infer<typeof manifestSchema>;

const NAME = /^nixfleet-(\d{4}-\d{2}-\d{2})T(\d{2})-(\d{2})-(\d{2})-(\d{3})Z\.db(?:\.age)?$/;
const ENCRYPTED_SUFFIX = '.age';
const MANIFEST_SUFFIX = '.json';

/** The name of a backup: its time in UTC, without characters that some file systems refuse. */
export function backupName(at: number, encrypted: boolean): string {
  const time = new Date(at).toISOString().replace(/[:.]/g, '-');
  return `nixfleet-${time}.db${encrypted ? ENCRYPTED_SUFFIX : ''}`;
}

/** True for names made by `backupName`: no other files in the folder are ever removed. */
export function isBackupName(name: string): boolean {
  return NAME.test(name);
}

export function manifestName(file: string): string {
  return `${file}${MANIFEST_SUFFIX}`;
}

/** Null when the text is not a manifest that this version understands. */
export function parseManifest(text: string): BackupManifest | null {
  try {
    const parsed = manifestSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
