/** Variables of stored data and its backups. */
import { boolean, parseDuration, integer, size, text, type Parsed, type Parser } from '../parsers';
import { HOUR_MS, MINUTE_MS, optional, variable, type Variable } from './variable';

const MIB = 1_048_576;
const MIN_PASSPHRASE = 16;

const backupKey: Parser<string> = (raw): Parsed<string> =>
  raw.length >= MIN_PASSPHRASE
    ? { ok: true, value: raw }
    : {
        ok: false,
        problem: `write at least ${MIN_PASSPHRASE} characters: somebody with a backup can guess without limit`,
      };

export const STORAGE_VARIABLES = {
  dataDir: variable({
    name: 'NIXFLEET_DATA_DIR',
    prose: 'Folder for the database and for the secrets that the dashboard generates.',
    parse: text,
    fallback: './data',
    fallbackText: './data (container: /data)',
  }),
  dbPath: variable({
    name: 'NIXFLEET_DB_PATH',
    prose: 'The database file.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'nixfleet.db in the data folder',
  }),
  eventDays: variable({
    name: 'NIXFLEET_EVENT_DAYS',
    prose: 'For how many days events are kept.',
    parse: integer(1, 36_500),
    fallback: 400,
    fallbackText: '400',
  }),
  eventRows: variable({
    name: 'NIXFLEET_EVENT_LIMIT',
    prose:
      'How many events are kept at most. Beyond that the oldest are deleted; the rest can still be verified. ' +
      'Events caused by agents and visitors are kept in addition, up to a quarter of this number.',
    parse: integer(1_000, 100_000_000),
    fallback: 1_000_000,
    fallbackText: '1000000',
  }),
  backupIntervalMs: variable({
    name: 'NIXFLEET_BACKUP_INTERVAL',
    prose: 'How often the dashboard makes a backup. `off` makes none.',
    parse: (raw) => (/^(?:off|0)$/i.test(raw) ? { ok: true, value: 0 } : parseDuration(MINUTE_MS, '1m, or off')(raw)),
    fallback: 24 * HOUR_MS,
    fallbackText: '24h',
  }),
  backupKeep: variable({
    name: 'NIXFLEET_BACKUP_KEEP',
    prose: 'How many valid backups are kept. Older ones are deleted.',
    parse: integer(1, 1_000),
    fallback: 14,
    fallbackText: '14',
  }),
  backupBeforeUpdate: variable({
    name: 'NIXFLEET_BACKUP_BEFORE_UPDATE',
    prose:
      'Whether the dashboard makes a backup before it migrates the database of an earlier version, so that you can go ' +
      'back. If the backup fails, the dashboard exits and migrates nothing. With `false`, it migrates without a backup.',
    parse: boolean,
    fallback: true,
    fallbackText: 'true',
  }),
  backupDir: variable({
    name: 'NIXFLEET_BACKUP_DIR',
    prose: 'Folder for backups, preferably on another disk than the database.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'backups in the data folder',
  }),
  backupCopyDir: variable({
    name: 'NIXFLEET_BACKUP_COPY_DIR',
    prose:
      'Folder for a copy of every backup, such as a mounted share. Those that a start makes before a migration are not ' +
      'copied.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'none',
  }),
  backupKey: variable({
    name: 'NIXFLEET_BACKUP_KEY',
    prose:
      'Encrypts backups in the age format: a passphrase of at least 16 characters, or an age identity ' +
      '(AGE-SECRET-KEY-…). Keep a copy elsewhere: without it, nobody can open such a backup.',
    parse: optional(backupKey),
    fallback: null,
    fallbackText: 'not set: backups are not encrypted',
    shows: 'secret',
  }),
  outputLimitBytes: variable({
    name: 'NIXFLEET_OUTPUT_LIMIT',
    prose: 'How much output is kept for each command.',
    parse: size(65_536, '64KiB'),
    fallback: 32 * MIB,
    fallbackText: '32MiB',
  }),
} satisfies Record<string, Variable<unknown>>;
