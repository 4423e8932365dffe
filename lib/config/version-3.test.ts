/**
 * Every variable that version 3 of the dashboard read or documented, with values that its code accepted: each means the
 * same, or a warning says what is used instead. Secrets and addresses that can't work prevent the start.
 */
import { describe, expect, it } from 'vitest';
import { readConfig, settingViews, type Config } from '.';

const HASH = `$2a$12$${'a'.repeat(53)}`;
/** Required by version 3. */
const REQUIRED = {
  NIXFLEET_PASSWORD_HASH: HASH,
  NIXFLEET_SESSION_SECRET: 'f00dfeed'.repeat(8),
  NIXFLEET_AGENT_TOKEN: 'c0ffee00'.repeat(8),
};
const GITHUB = { NIXFLEET_GITHUB_REPO: 'ada/nixcfg', NIXFLEET_GITHUB_TOKEN: 'ghp_token' };
const HOUR_MS = 3_600_000;
const MAX_MS = 2_147_483_647;

type Row = [name: string, value: string, means: Partial<Config>];

/** Read as version 3 read it; no warning. */
const SAME: readonly Row[] = [
  ['LISTEN', ':8000', { listen: { host: null, port: 8000 } }],
  ['LISTEN', '0.0.0.0:80', { listen: { host: '0.0.0.0', port: 80 } }],
  ['LISTEN', '[::1]:8000', { listen: { host: '::1', port: 8000 } }],
  ['LISTEN', 'localhost:8000', { listen: { host: 'localhost', port: 8000 } }],
  ['BASE_URL', 'https://fleet.example.org', { baseUrl: 'https://fleet.example.org' }],
  ['PASSWORD_HASH', HASH, { passwordHash: HASH }],
  ['TOTP_SECRET', 'JBSWY3DPEHPK3PXP', { totpSecret: Buffer.from('Hello!\xde\xad\xbe\xef', 'latin1') }],
  ['SESSION_SECRET', 'a'.repeat(64), { sessionSecret: 'a'.repeat(64) }],
  ['AGENT_TOKEN', 'b'.repeat(64), { agentToken: 'b'.repeat(64) }],
  ['DATA_DIR', '/data', { dataDir: '/data', dbPath: '/data/nixfleet.db', nixcfgPath: '/data/nixcfg' }],
  ['DB_PATH', '/srv/fleet.db', { dbPath: '/srv/fleet.db' }],
  ['NIXCFG_PATH', '/srv/nixcfg', { nixcfgPath: '/srv/nixcfg' }],
  ['SESSION_DURATION', '168h', { sessionDurationMs: 168 * HOUR_MS }],
  ['SESSION_DURATION', '+1h30m', { sessionDurationMs: 1.5 * HOUR_MS }],
  ['RATE_LIMIT', '10', { rateLimit: 10 }],
  ['RATE_LIMIT', '+7', { rateLimit: 7 }],
  ['RATE_LIMIT', '007', { rateLimit: 7 }],
  ['RATE_WINDOW', '90s', { rateWindowMs: 90_000 }],
  [
    'ALLOWED_ORIGINS',
    'http://nas.lan:8000, https://b.example',
    { allowedOrigins: ['http://nas.lan:8000', 'https://b.example'] },
  ],
  [
    'VERSION_URL',
    'https://ada.github.io/nixcfg/version.json',
    { versionUrl: 'https://ada.github.io/nixcfg/version.json' },
  ],
  ['VERSION_FETCH_TTL', '1m0s', { versionFetchTtlMs: 60_000 }],
  ['GITHUB_REPO', 'ada/nixcfg', { githubRepo: 'ada/nixcfg' }],
  ['GITHUB_TOKEN', 'ghp_token', { githubToken: 'ghp_token' }],
  ['GITHUB_API_URL', 'https://git.example.org/api/v3', { githubApiUrl: 'https://git.example.org/api/v3' }],
  ['GITHUB_POLL_TTL', '1h', { githubPollTtlMs: HOUR_MS }],
  ['COLOR_COMMIT_MODE', 'push', { colorCommitMode: 'push' }],
  ['COLOR_COMMIT_MODE', 'pr', { colorCommitMode: 'pr' }],
  ['LOG_LEVEL', 'debug', { logLevel: 'debug' }],
];

/** Accepted by version 3, which used its default or a value that makes no sense; a warning says what is used now. */
const WITH_WARNING: readonly Row[] = [
  ['SESSION_DURATION', '24', { sessionDurationMs: 24 * HOUR_MS }],
  ['SESSION_DURATION', '7d', { sessionDurationMs: 24 * HOUR_MS }],
  ['SESSION_DURATION', '-1h', { sessionDurationMs: 24 * HOUR_MS }],
  ['SESSION_DURATION', '10s', { sessionDurationMs: 60_000 }],
  ['SESSION_DURATION', '8760h', { sessionDurationMs: MAX_MS }],
  ['RATE_LIMIT', 'many', { rateLimit: 5 }],
  ['RATE_LIMIT', '2.5', { rateLimit: 5 }],
  ['RATE_LIMIT', '0', { rateLimit: 1 }],
  ['RATE_LIMIT', '-3', { rateLimit: 1 }],
  ['RATE_LIMIT', '1000000', { rateLimit: 1_000 }],
  ['RATE_WINDOW', '60', { rateWindowMs: 60_000 }],
  ['RATE_WINDOW', '0', { rateWindowMs: 60_000 }],
  ['RATE_WINDOW', '1ms', { rateWindowMs: 60_000 }],
  ['RATE_WINDOW', '5 minutes', { rateWindowMs: 60_000 }],
  ['VERSION_FETCH_TTL', '30', { versionFetchTtlMs: 30_000 }],
  ['VERSION_FETCH_TTL', '500ms', { versionFetchTtlMs: 1_000 }],
  ['GITHUB_POLL_TTL', '3600', { githubPollTtlMs: 300_000 }],
  ['GITHUB_POLL_TTL', '5s', { githubPollTtlMs: 10_000 }],
  ['COLOR_COMMIT_MODE', 'none', { colorCommitMode: 'off' }],
  ['LOG_LEVEL', 'trace', { logLevel: 'info' }],
  ['LOG_LEVEL', 'warning', { logLevel: 'info' }],
  ['HEARTBEAT_INTERVAL', '5s', {}],
  ['STALE_MULTIPLIER', '120', {}],
  ['STALE_MINIMUM', '5m', {}],
  ['STALE_CLEANUP_INTERVAL', '1m', {}],
  ['CMD_RETENTION_DAYS', '30', {}],
  ['LOG_RETENTION_DAYS', '7', {}],
  ['SYNC_BEACON_INTERVAL', '30s', {}],
  ['INIT_EVENT_LIMIT', '100', {}],
];

/** Accepted by version 3, and refused now: nobody could sign in, or the address could not be used. */
const REFUSED: readonly [name: string, value: string][] = [
  ['PASSWORD_HASH', 'plain'],
  ['PASSWORD_HASH', HASH.replaceAll('$', '')],
  ['TOTP_SECRET', 'not base32!'],
  ['LISTEN', ':http'],
  ['BASE_URL', 'fleet.example.org'],
  ['BASE_URL', 'https://example.org/fleet'],
  ['ALLOWED_ORIGINS', 'fleet.example.org'],
  ['ALLOWED_ORIGINS', '*'],
  ['VERSION_URL', 'ada.github.io/nixcfg/version.json'],
  ['GITHUB_API_URL', 'api.github.com'],
  ['GITHUB_REPO', 'https://github.com/ada/nixcfg'],
];

const environment = (name: string, value: string) => ({ ...REQUIRED, ...GITHUB, [`NIXFLEET_${name}`]: value });

describe('the environment of version 3', () => {
  it.each(SAME)('means the same: %s=%s', (name, value, means) => {
    const read = readConfig(environment(name, value));
    expect(read).toMatchObject({ ok: true, config: means, unused: [], warnings: [] });
  });

  it.each(WITH_WARNING)('starts with a warning that names what is used: %s=%s', (name, value, means) => {
    const env = environment(name, value);
    const read = readConfig(env);
    expect(read).toMatchObject({ ok: true, config: means });
    if (!read.ok) return;
    expect(read.unused.map(({ variable }) => variable)).toEqual([`NIXFLEET_${name}`]);
    const sentence = read.unused[0]?.sentence ?? '';
    expect(sentence).toContain(`NIXFLEET_${name}`);
    expect(sentence).toMatch(/Until then, .+ is used\.$|is not used by this version: /);
    expect(read.warnings).toContain(sentence);
    // The page shows what is in force, and the text of the variable beside it.
    const view = settingViews(env).find((one) => one.name === `NIXFLEET_${name}`);
    if (view) {
      expect(view.source).toBe('replaced');
      expect(view.note).toContain(`Set to ${JSON.stringify(value)}: `);
    }
  });

  it.each(REFUSED)('refuses to start, and says what to write: %s=%s', (name, value) => {
    const read = readConfig(environment(name, value));
    expect(read.ok).toBe(false);
    if (read.ok) return;
    expect(read.problems).toHaveLength(1);
    expect(read.problems[0]).toMatch(new RegExp(`^NIXFLEET_${name}.*(?:write|not a bcrypt hash)`));
  });

  it('starts with only the variables that version 3 required', () => {
    expect(readConfig(REQUIRED)).toMatchObject({ ok: true, unused: [], warnings: [] });
  });

  it('writes no colours without a repository, as version 3 did, and says so', () => {
    for (const mode of ['push', 'pr']) {
      const env = { ...REQUIRED, NIXFLEET_COLOR_COMMIT_MODE: mode };
      const read = readConfig(env);
      expect(read).toMatchObject({ ok: true, config: { colorCommitMode: 'off' } });
      if (read.ok) expect(read.unused[0]?.sentence).toContain(`is "${mode}": no `);
      const view = settingViews(env).find(({ name }) => name === 'NIXFLEET_COLOR_COMMIT_MODE');
      expect(view).toMatchObject({ value: 'off', source: 'replaced' });
    }
  });

  it('never repeats a secret in a warning', () => {
    const env = { ...REQUIRED, NIXFLEET_GITHUB_TOKEN: 'hunter2-hunter2', NIXFLEET_RATE_LIMIT: 'x' };
    const read = readConfig(env);
    const sentences = read.ok ? read.warnings : [];
    expect(sentences).toHaveLength(2);
    expect(sentences.join()).not.toContain('hunter2');
  });
});
