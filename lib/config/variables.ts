/** Every environment variable of the dashboard, defined once: name, description, default, parser. */
import { decodeBase32 } from '@/lib/auth/operator/base32';
import { MERGE_METHODS } from '@/lib/forge/forge';
import { COLOR_COMMIT_MODES, DEFAULT_COLOR_FILE } from '@/lib/forge/theme/theme-mode';
import { LOG_LEVELS } from '@/lib/log';
import type { SettingView } from '@/lib/dashboard/runtime';
import {
  apiAddress,
  bcryptHash,
  boolean,
  branch,
  choice,
  parseDuration,
  integer,
  list,
  listenAddress,
  network,
  orFallback,
  origin,
  ownerAndName,
  repository,
  repositoryFile,
  repositoryFolder,
  size,
  text,
  version3Duration,
  version3Integer,
  webAddress,
  type Parsed,
  type Parser,
} from './parsers';

export interface Variable<T> {
  name: string;
  prose: string;
  parse: Parser<T>;
  /** The value where the variable is unset or empty. */
  fallback: T;
  /** The fallback in words, for people. */
  fallbackText: string;
  /** Where the value comes from when the variable is unset; 'default' when not given. */
  fallbackSource?: SettingView['source'];
  /** A secret is never shown. An address may hold credentials, which are removed before it is shown. */
  shows?: 'secret' | 'address';
  /** A name from version 1 that is still accepted, and how its value is converted. */
  formerly?: { name: string; convert?: (raw: string) => string };
}

const variable = <T>(definition: Variable<T>): Variable<T> => definition;

/** A parser whose value may also be absent. */
const optional = <T>(parse: Parser<T>): Parser<T | null> => parse;

const totpSecret: Parser<Buffer> = (raw): Parsed<Buffer> => {
  const value = decodeBase32(raw);
  return value === null
    ? {
        ok: false,
        problem: 'write the secret in base32 (letters A to Z and digits 2 to 7), as your authenticator app has it',
      }
    : { ok: true, value };
};

const networks: Parser<readonly string[]> = (raw) => {
  const parsed = list(network)(raw);
  return parsed.ok ? { ok: true, value: parsed.value.flat() } : parsed;
};

const MIN_PASSPHRASE = 16;
const MIN_TOKEN = 16;

const metricsToken: Parser<string> = (raw): Parsed<string> =>
  raw.length >= MIN_TOKEN ? { ok: true, value: raw } : { ok: false, problem: `write at least ${MIN_TOKEN} characters` };

const backupKey: Parser<string> = (raw): Parsed<string> =>
  raw.length >= MIN_PASSPHRASE
    ? { ok: true, value: raw }
    : {
        ok: false,
        problem: `write at least ${MIN_PASSPHRASE} characters: somebody with a backup can guess without limit`,
      };

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const RATE_WINDOW = { ms: MINUTE_MS, text: '1m' };
const MIB = 1_048_576;

export const VARIABLES = {
  listen: variable({
    name: 'NIXFLEET_LISTEN',
    prose: 'Address and port to listen on: `:8000` is every address of the machine.',
    parse: listenAddress,
    fallback: { host: null, port: 8000 },
    fallbackText: ':8000',
  }),
  baseUrl: variable({
    name: 'NIXFLEET_BASE_URL',
    prose:
      'Public address, as browsers see it. With https, cookies are `Secure` and browsers are instructed to use https only. ' +
      'Without it, a browser is accepted at localhost, at an IP address and at the name of the machine.',
    parse: optional(origin),
    fallback: null,
    fallbackText: 'not set',
  }),
  allowedOrigins: variable({
    name: 'NIXFLEET_ALLOWED_ORIGINS',
    prose: 'Additional addresses at which browsers may use the dashboard, comma-separated.',
    parse: list(origin),
    fallback: [],
    fallbackText: 'none',
  }),
  trustedProxies: variable({
    name: 'NIXFLEET_TRUSTED_PROXIES',
    prose:
      'Addresses or networks of reverse proxies, comma-separated; `private` stands for the private and local networks. ' +
      "Only their X-Forwarded-For is trusted for the client's address, in limits and events.",
    parse: networks,
    fallback: [],
    fallbackText: 'none',
  }),
  passwordHash: variable({
    name: 'NIXFLEET_PASSWORD_HASH',
    prose:
      "The operator's password as a bcrypt hash ($2a$, $2b$ or $2y$). Without it, the first start prints a set-up link.",
    parse: optional(bcryptHash),
    fallback: null,
    fallbackText: 'set in the browser',
    fallbackSource: 'set here',
    shows: 'secret',
  }),
  totpSecret: variable({
    name: 'NIXFLEET_TOTP_SECRET',
    prose: 'Secret of the second factor, in base32. Without it, you enrol one at set-up or on the account page.',
    parse: optional(totpSecret),
    fallback: null,
    fallbackText: 'set in the browser',
    fallbackSource: 'set here',
    shows: 'secret',
  }),
  requireTotp: variable({
    name: 'NIXFLEET_REQUIRE_TOTP',
    prose: 'Refuse to start with a password but without a second factor, and do not allow removing the second factor.',
    parse: boolean,
    fallback: false,
    fallbackText: 'false',
  }),
  sessionSecret: variable({
    name: 'NIXFLEET_SESSION_SECRET',
    prose: 'Secret that protects the session cookies, of any length. Changing it signs everybody out.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'made by the dashboard',
    fallbackSource: 'made by the dashboard',
    shows: 'secret',
    formerly: { name: 'NIXFLEET_SESSION_SECRETS', convert: (raw) => raw.split(',')[0]?.trim() ?? '' },
  }),
  sessionDurationMs: variable({
    name: 'NIXFLEET_SESSION_DURATION',
    prose: 'How long a session lasts at most.',
    parse: version3Duration({ ms: MINUTE_MS, text: '1m' }, { ms: 24 * HOUR_MS, text: '24h' }),
    fallback: 24 * HOUR_MS,
    fallbackText: '24h',
  }),
  sessionIdleMs: variable({
    name: 'NIXFLEET_SESSION_IDLE',
    prose: 'How long a session lasts without activity. An open page alone does not count as activity.',
    parse: parseDuration(MINUTE_MS, '1m'),
    fallback: 12 * HOUR_MS,
    fallbackText: '12h',
  }),
  rateLimit: variable({
    name: 'NIXFLEET_RATE_LIMIT',
    prose:
      'How many sign-ins may fail within the window before waits begin, for an address and for the account. Each further ' +
      'failure doubles the wait.',
    parse: version3Integer(1, 1_000, 5),
    fallback: 5,
    fallbackText: '5',
  }),
  rateWindowMs: variable({
    name: 'NIXFLEET_RATE_WINDOW',
    prose: 'The window of `NIXFLEET_RATE_LIMIT`.',
    // A window of a second would hardly limit anything.
    parse: version3Duration({ ms: 1_000, text: '1s' }, RATE_WINDOW, RATE_WINDOW),
    fallback: RATE_WINDOW.ms,
    fallbackText: '1m',
  }),
  agentToken: variable({
    name: 'NIXFLEET_AGENT_TOKEN',
    prose: 'The shared token that agents present.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'made by the dashboard',
    fallbackSource: 'made by the dashboard',
    shows: 'secret',
    formerly: { name: 'NIXFLEET_API_TOKEN' },
  }),
  allowSharedAgentToken: variable({
    name: 'NIXFLEET_ALLOW_SHARED_AGENT_TOKEN',
    prose:
      'Whether the shared token is accepted. If not, each host needs a host token. When unset, the setting in the interface applies.',
    parse: optional(boolean),
    fallback: null,
    fallbackText: 'true',
    fallbackSource: 'set here',
  }),
  agentTokenHashSecret: variable({
    name: 'NIXFLEET_AGENT_TOKEN_HASH_SECRET',
    prose: "Version 1's secret for the tokens of its hosts. With it, tokens from an adopted database stay valid.",
    parse: optional(text),
    fallback: null,
    fallbackText: 'not set',
    shows: 'secret',
  }),
  agentApproval: variable({
    name: 'NIXFLEET_AGENT_APPROVAL',
    prose: 'Whether unknown hosts wait for approval. When unset, the setting in the interface applies.',
    parse: optional(boolean),
    fallback: null,
    fallbackText: 'false',
    fallbackSource: 'set here',
  }),
  configRepo: variable({
    name: 'NIXFLEET_CONFIG_REPO',
    prose:
      "Git repository with the fleet's configuration. It defines what the hosts should run, and who is behind or ahead.",
    parse: optional(repository),
    fallback: null,
    fallbackText: 'not set',
    shows: 'address',
  }),
  configBranch: variable({
    name: 'NIXFLEET_CONFIG_BRANCH',
    prose: 'Branch of that repository.',
    parse: branch,
    fallback: 'main',
    fallbackText: 'main',
  }),
  flakeDir: variable({
    name: 'NIXFLEET_FLAKE_DIR',
    prose:
      'Folder of the flake in that repository. Its flake.lock is the one that hosts and flake updates are compared with.',
    parse: repositoryFolder,
    fallback: '',
    fallbackText: 'the root',
  }),
  versionUrl: variable({
    name: 'NIXFLEET_VERSION_URL',
    prose: "A version.json that says what the hosts should run, for when the dashboard can't reach the repository.",
    parse: optional(webAddress),
    fallback: null,
    fallbackText: 'not set',
    shows: 'address',
    formerly: { name: 'NIXFLEET_NIXCFG_VERSION_URL' },
  }),
  versionFetchTtlMs: variable({
    name: 'NIXFLEET_VERSION_FETCH_TTL',
    prose: 'How often the desired state is fetched.',
    parse: version3Duration({ ms: 1_000, text: '1s' }, { ms: 30_000, text: '30s' }),
    fallback: 30_000,
    fallbackText: '30s',
  }),
  githubRepo: variable({
    name: 'NIXFLEET_GITHUB_REPO',
    prose: 'The configuration repository on GitHub, as `owner/name`. Its flake updates are shown and can be merged.',
    parse: optional(ownerAndName),
    fallback: null,
    fallbackText: 'not set',
  }),
  githubToken: variable({
    name: 'NIXFLEET_GITHUB_TOKEN',
    prose:
      'A token for that repository, with Contents and Pull requests (read and write), Checks and Commit statuses (read). ' +
      'Reading a public repository needs no token.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'not set',
    shows: 'secret',
  }),
  githubApiUrl: variable({
    name: 'NIXFLEET_GITHUB_API_URL',
    prose: "Address of GitHub's API. For GitHub Enterprise Server: `https://HOST/api/v3`.",
    parse: apiAddress,
    fallback: 'https://api.github.com',
    fallbackText: 'https://api.github.com',
    shows: 'address',
  }),
  githubPollTtlMs: variable({
    name: 'NIXFLEET_GITHUB_POLL_TTL',
    prose:
      'How often GitHub is checked for flake updates. A request that finds no change does not count against its rate limit.',
    parse: version3Duration({ ms: 10_000, text: '10s' }, { ms: 5 * MINUTE_MS, text: '5m' }),
    fallback: 5 * MINUTE_MS,
    fallbackText: '5m',
  }),
  forgejoUrl: variable({
    name: 'NIXFLEET_FORGEJO_URL',
    prose: 'Address of a Forgejo or Gitea server, instead of GitHub.',
    parse: optional(apiAddress),
    fallback: null,
    fallbackText: 'not set',
    shows: 'address',
  }),
  forgejoRepo: variable({
    name: 'NIXFLEET_FORGEJO_REPO',
    prose: 'The configuration repository on that server, as `owner/name`.',
    parse: optional(ownerAndName),
    fallback: null,
    fallbackText: 'not set',
  }),
  forgejoToken: variable({
    name: 'NIXFLEET_FORGEJO_TOKEN',
    prose: 'A token for that repository, with the scope `write:repository`.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'not set',
    shows: 'secret',
  }),
  forgejoPollTtlMs: variable({
    name: 'NIXFLEET_FORGEJO_POLL_TTL',
    prose: 'How often that server is checked for flake updates.',
    parse: parseDuration(10_000, '10s'),
    fallback: 5 * MINUTE_MS,
    fallbackText: '5m',
  }),
  updateFiles: variable({
    name: 'NIXFLEET_UPDATE_FILES',
    prose:
      'Files besides flake.lock that a flake update may change, comma-separated. A pull request that changes others is not ' +
      'offered.',
    parse: list(repositoryFile),
    fallback: [],
    fallbackText: 'none',
  }),
  updateForks: variable({
    name: 'NIXFLEET_UPDATE_FORKS',
    prose: 'Whether a flake update may come from a fork of the repository.',
    parse: boolean,
    fallback: false,
    fallbackText: 'false',
  }),
  mergeMethod: variable({
    name: 'NIXFLEET_MERGE_METHOD',
    prose: `How a flake update is merged: ${MERGE_METHODS.join(', ')}.`,
    parse: choice(MERGE_METHODS),
    fallback: 'merge' as const,
    fallbackText: 'merge',
  }),
  colorCommitMode: variable({
    name: 'NIXFLEET_COLOR_COMMIT_MODE',
    prose:
      "Whether a host's colour is also written into the configuration repository: `off`, `push` (a commit on the branch) " +
      'or `pr` (a pull request).',
    parse: orFallback(choice(COLOR_COMMIT_MODES), 'off', 'off'),
    fallback: 'off' as const,
    fallbackText: 'off',
  }),
  colorFile: variable({
    name: 'NIXFLEET_COLOR_FILE',
    prose: 'The Nix file that the colour is written into, with the sets `palettes` and `hostPalette`.',
    parse: repositoryFile,
    fallback: DEFAULT_COLOR_FILE,
    fallbackText: `\`${DEFAULT_COLOR_FILE}\``,
  }),
  nixcfgPath: variable({
    name: 'NIXFLEET_NIXCFG_PATH',
    prose: 'Folder of the clone for writing colours. The dashboard creates and updates it; nobody else should.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'nixcfg in the data folder',
  }),
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
  metricsToken: variable({
    name: 'NIXFLEET_METRICS_TOKEN',
    prose:
      'Token for `/metrics`, which Prometheus sends as `Authorization: Bearer …`. Without it, `/metrics` does not exist.',
    parse: optional(metricsToken),
    fallback: null,
    fallbackText: 'not set',
    shows: 'secret',
  }),
  logLevel: variable({
    name: 'NIXFLEET_LOG_LEVEL',
    prose: `How much is logged: ${LOG_LEVELS.join(', ')}.`,
    parse: orFallback(choice(LOG_LEVELS), 'info', 'info'),
    fallback: 'info' as const,
    fallbackText: 'info',
  }),
  demo: variable({
    name: 'NIXFLEET_DEMO',
    prose: 'Show on every page that this is a demonstration.',
    parse: boolean,
    fallback: false,
    fallbackText: 'false',
  }),
} satisfies Record<string, Variable<unknown>>;

const EVENTS = 'NIXFLEET_EVENT_DAYS decides how long events are kept';
const STALE = "each host's heartbeat interval decides when it is late";

/** Variables of earlier dashboards that have no effect here, and why. */
export const UNUSED_VARIABLES: Readonly<Record<string, string>> = {
  NIXFLEET_HEARTBEAT_INTERVAL: STALE,
  NIXFLEET_STALE_MULTIPLIER: STALE,
  NIXFLEET_STALE_MINIMUM: STALE,
  NIXFLEET_STALE_CLEANUP_INTERVAL: STALE,
  NIXFLEET_AUTO_PROVISION_AGENT_TOKENS: 'a host gets its token with an enrolment code, or in the interface',
  NIXFLEET_DEV_MODE: 'npm run dev starts a development server',
  NIXFLEET_ALLOW_LEGACY_UNSIGNED_SESSION_COOKIE: 'unsigned session cookies are never accepted',
  NIXFLEET_UI_ACTION_LOCK_MAX_SECONDS: 'a button is disabled exactly as long as its operation runs',
  NIXFLEET_STATUS_HISTORY_DAYS: EVENTS,
  NIXFLEET_SERVER_HOST: 'pages use the address that the browser used',
  NIXFLEET_GIT_HASH: 'the version is part of the build',
  // Documented by version 3, and never read.
  NIXFLEET_CMD_RETENTION_DAYS: 'commands are kept for 180 days, and their output for 30',
  NIXFLEET_LOG_RETENTION_DAYS: EVENTS,
  NIXFLEET_INIT_EVENT_LIMIT: 'the activity page shows all events',
  NIXFLEET_SYNC_BEACON_INTERVAL: 'open pages are always current',
};
