import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configurationTable, readConfig, settingViews, type Config, type Environment } from '.';
import { parseGoDuration } from './parsers';
import { UNUSED_VARIABLES } from './unused-variables';
import { VARIABLES } from './variables';

const HASH = `$2b$12$${'a'.repeat(53)}`;

function config(env: Environment): Config {
  const result = readConfig(env);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.config;
}
function warnings(env: Environment): string {
  const result = readConfig(env);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.warnings.join('\n');
}
function problems(env: Environment): readonly string[] {
  const result = readConfig(env);
  return result.ok ? [] : result.problems;
}

describe('readConfig', () => {
  it('has a default for everything', () => {
    const all = config({});
    expect(all).toMatchObject({
      listen: { host: null, port: 8000 },
      baseUrl: null,
      rateLimit: 5,
      rateWindowMs: 60_000,
      sessionDurationMs: 86_400_000,
      versionFetchTtlMs: 30_000,
      outputLimitBytes: 33_554_432,
      configBranch: 'main',
      flakeDir: '',
      logLevel: 'info',
      trustedProxies: [],
      demo: false,
    });
    expect(isAbsolute(all.dataDir)).toBe(true);
    expect(all.dbPath).toBe(join(all.dataDir, 'nixfleet.db'));
    expect(warnings({})).toBe('');
  });

  it('treats an empty value as unset', () => {
    const empty = Object.fromEntries(Object.values(VARIABLES).map(({ name }) => [name, '  ']));
    expect(config(empty)).toEqual(config({}));
  });

  it('reads each kind of value', () => {
    expect(
      config({
        NIXFLEET_PASSWORD_HASH: HASH,
        NIXFLEET_TOTP_SECRET: 'jbsw y3dp ehpk 3pxp',
        NIXFLEET_LISTEN: '[::1]:9000',
        NIXFLEET_BASE_URL: 'https://Fleet.example.org/',
        NIXFLEET_ALLOWED_ORIGINS: 'http://nas.lan:8000, http://10.0.0.5',
        NIXFLEET_TRUSTED_PROXIES: '10.0.0.2, fd00::/8',
        NIXFLEET_SESSION_SECRET: 'x',
        NIXFLEET_SESSION_DURATION: '1h30m',
        NIXFLEET_OUTPUT_LIMIT: '1.5 MiB',
        NIXFLEET_DB_PATH: '/srv/fleet.db',
        NIXFLEET_DEMO: 'yes',
      }),
    ).toMatchObject({
      passwordHash: HASH,
      totpSecret: Buffer.from('Hello!\xde\xad\xbe\xef', 'latin1'),
      listen: { host: '::1', port: 9000 },
      baseUrl: 'https://fleet.example.org',
      allowedOrigins: ['http://nas.lan:8000', 'http://10.0.0.5'],
      trustedProxies: ['10.0.0.2/32', 'fd00::/8'],
      sessionSecret: 'x',
      sessionDurationMs: 5_400_000,
      outputLimitBytes: 1_572_864,
      dbPath: '/srv/fleet.db',
      demo: true,
    });
    expect(config({ NIXFLEET_LISTEN: 'localhost:0' }).listen).toEqual({ host: 'localhost', port: 0 });
    expect(config({ NIXFLEET_TRUSTED_PROXIES: 'private' }).trustedProxies).toContain('10.0.0.0/8');
  });

  it('reports all problems at once, each with its variable and what to write', () => {
    const reported = problems({
      NIXFLEET_LISTEN: '8000',
      NIXFLEET_BASE_URL: 'https://example.org/fleet',
      NIXFLEET_EVENT_DAYS: '0',
      NIXFLEET_SESSION_IDLE: '60',
      NIXFLEET_BACKUP_INTERVAL: '5 minutes',
      NIXFLEET_TRUSTED_PROXIES: '10.0.0.2, nonsense',
      NIXFLEET_MERGE_METHOD: 'loud',
      NIXFLEET_OUTPUT_LIMIT: '12',
      NIXFLEET_DEMO: 'perhaps',
    });
    expect(reported).toHaveLength(9);
    const all = reported.join('\n');
    expect(all).toContain('NIXFLEET_LISTEN is "8000": write :8000');
    expect(all).toContain('NIXFLEET_SESSION_IDLE is "60": the unit is missing: write a duration such as 30s');
    expect(all).toContain('entry 2');
    expect(all).toContain('write one of merge, squash, rebase');
  });

  it('never repeats a secret or an address that may hold one', () => {
    const secret = 'hunter2-hunter2';
    const env = {
      NIXFLEET_PASSWORD_HASH: secret,
      NIXFLEET_TOTP_SECRET: secret,
      NIXFLEET_CONFIG_REPO: `-${secret}`,
      NIXFLEET_VERSION_URL: secret,
    };
    const reported = problems(env);
    expect(reported).toHaveLength(4);
    expect(reported.join('\n')).not.toContain('hunter2');
    const shown = settingViews({
      NIXFLEET_SESSION_SECRET: secret,
      NIXFLEET_AGENT_TOKEN: secret,
      NIXFLEET_PASSWORD_HASH: secret,
      NIXFLEET_TOTP_SECRET: secret,
      NIXFLEET_CONFIG_REPO: `https://me:${secret}@example.org/nixcfg.git`,
      NIXFLEET_VERSION_URL: `https://example.org/version.json?token=${secret}`,
    });
    expect(JSON.stringify(shown)).not.toContain('hunter2');
    expect(JSON.stringify(shown)).toContain('https://example.org/nixcfg.git');
  });

  it.each([
    ['dollar signs removed by a shell or compose', HASH.replaceAll('$', ''), 'single quotes'],
    ['a salt read as a variable', '$2b$12', 'single quotes'],
    ['doubled dollar signs', HASH.replaceAll('$', '$$$$'), 'doubled'],
    ['quotes as part of the value', `'${HASH}'`, 'quotes'],
    ['another algorithm', `$1x$12$${'a'.repeat(53)}`, '$2a$, $2b$ or $2y$'],
  ])('explains a password hash with %s', (_case, hash, hint) => {
    expect(problems({ NIXFLEET_PASSWORD_HASH: hash }).join('\n')).toContain(hint);
  });

  it.each(['$2a$', '$2b$', '$2y$'])('accepts a bcrypt hash with %s', (prefix) => {
    expect(problems({ NIXFLEET_PASSWORD_HASH: `${prefix}10$${'a'.repeat(53)}` })).toEqual([]);
  });

  it('accepts the names of version 1, with a hint', () => {
    const env = {
      NIXFLEET_SESSION_SECRETS: 'the first long secret,the second',
      NIXFLEET_API_TOKEN: 'a token of version 1',
      NIXFLEET_NIXCFG_VERSION_URL: 'https://example.org/version.json',
    };
    expect(config(env)).toMatchObject({
      sessionSecret: 'the first long secret',
      agentToken: 'a token of version 1',
      versionUrl: 'https://example.org/version.json',
    });
    expect(warnings(env).split('\n')).toHaveLength(3);
    expect(warnings(env)).toContain('write NIXFLEET_AGENT_TOKEN instead');
    const both = { NIXFLEET_API_TOKEN: 'an older token, not used', NIXFLEET_AGENT_TOKEN: 'the token that counts' };
    expect(config(both).agentToken).toBe('the token that counts');
    expect(warnings(both)).toContain('NIXFLEET_API_TOKEN is not used');
  });

  it('accepts the proxy variables of version 1', () => {
    const listed = { NIXFLEET_TRUST_PROXY_HEADERS: 'true', NIXFLEET_TRUSTED_PROXY_IPS: '172.18.0.2' };
    expect(config(listed).trustedProxies).toEqual(['172.18.0.2/32']);
    expect(config({ NIXFLEET_TRUST_PROXY_HEADERS: 'true' }).trustedProxies).toContain('172.16.0.0/12');
    const off = { NIXFLEET_TRUST_PROXY_HEADERS: 'false', NIXFLEET_TRUSTED_PROXY_IPS: '172.18.0.2' };
    expect(config(off).trustedProxies).toEqual([]);
    expect(warnings(off)).toContain('NIXFLEET_TRUSTED_PROXY_IPS');
    const both = { ...listed, NIXFLEET_TRUSTED_PROXIES: '10.0.0.2' };
    expect(config(both).trustedProxies).toEqual(['10.0.0.2/32']);
    expect(warnings(both)).toContain('NIXFLEET_TRUSTED_PROXY_IPS is not used');
  });

  it('knows every variable of version 1', () => {
    const names =
      'DATA_DIR PASSWORD_HASH SESSION_SECRETS AGENT_TOKEN_HASH_SECRET API_TOKEN ALLOW_SHARED_AGENT_TOKEN ' +
      'AUTO_PROVISION_AGENT_TOKENS TOTP_SECRET REQUIRE_TOTP DEV_MODE ALLOW_LEGACY_UNSIGNED_SESSION_COOKIE ' +
      'TRUST_PROXY_HEADERS TRUSTED_PROXY_IPS UI_ACTION_LOCK_MAX_SECONDS STATUS_HISTORY_DAYS NIXCFG_VERSION_URL ' +
      'SERVER_HOST GIT_HASH';
    const env = Object.fromEntries(names.split(' ').map((name) => [`NIXFLEET_${name}`, 'true']));
    const valid = {
      ...env,
      NIXFLEET_PASSWORD_HASH: HASH,
      NIXFLEET_TOTP_SECRET: 'JBSWY3DPEHPK3PXP',
      NIXFLEET_TRUSTED_PROXY_IPS: '10.0.0.2',
      NIXFLEET_NIXCFG_VERSION_URL: 'https://example.org/version.json',
    };
    expect(warnings(valid)).not.toContain('check its spelling');
  });

  it('warns once about each variable without effect, with the reason', () => {
    const env = Object.fromEntries(Object.keys(UNUSED_VARIABLES).map((name) => [name, 'anything']));
    const warned = warnings(env).split('\n');
    expect(warned).toHaveLength(Object.keys(UNUSED_VARIABLES).length);
    for (const name of Object.keys(UNUSED_VARIABLES)) expect(warned.join('\n')).toContain(`${name} is not used`);
    expect(warnings({ NIXFLEET_PASWORD_HASH: 'x', PATH: '/bin' })).toMatch(/^NIXFLEET_PASWORD_HASH is not a variable/);
  });

  it('warns about an additional address at which nobody can sign in, because cookies are Secure', () => {
    const https = { NIXFLEET_BASE_URL: 'https://fleet.example.org' };
    const http = { NIXFLEET_BASE_URL: 'http://nas.lan:8000' };
    const origins = (list: string) => ({ NIXFLEET_ALLOWED_ORIGINS: list });
    const warned = warnings({ ...https, ...origins('https://b.example, http://nas.lan:8000, http://10.0.0.5') });
    expect(warned).toMatch(
      /^NIXFLEET_ALLOWED_ORIGINS .*http:\/\/nas\.lan:8000, http:\/\/10\.0\.0\.5.*NIXFLEET_BASE_URL/,
    );
    expect(warned.split('\n')).toHaveLength(1);
    for (const list of ['https://b.example', 'http://localhost:3000, http://127.0.0.1:8000'])
      expect(warnings({ ...https, ...origins(list) })).toBe('');
    expect(warnings({ ...http, ...origins('http://10.0.0.5') }) + warnings(origins('http://10.0.0.5'))).toBe('');
  });

  it('accepts one forge, and only if it is complete', () => {
    const github = { NIXFLEET_GITHUB_REPO: 'ada/nixcfg', NIXFLEET_GITHUB_TOKEN: 's3cret' };
    const forgejo = { NIXFLEET_FORGEJO_URL: 'https://git.example.org', NIXFLEET_FORGEJO_REPO: 'ada/nixcfg' };
    expect(config(github)).toMatchObject({ githubRepo: 'ada/nixcfg', githubApiUrl: 'https://api.github.com' });
    expect(config(forgejo)).toMatchObject({ forgejoRepo: 'ada/nixcfg', forgejoUrl: 'https://git.example.org' });
    expect(warnings(github) + warnings(forgejo)).toBe('');
    expect(problems({ ...github, ...forgejo }).join()).toContain('both configured, but only one can be used');
    expect(problems({ NIXFLEET_FORGEJO_REPO: 'ada/nixcfg' }).join()).toContain('write the address of the server');
    expect(problems({ NIXFLEET_FORGEJO_URL: 'https://git.example.org' }).join()).toContain('as owner/name');
    expect(warnings({ NIXFLEET_GITHUB_TOKEN: 's3cret' })).toMatch(/^NIXFLEET_GITHUB_TOKEN is not used/);
    expect(warnings({ NIXFLEET_FORGEJO_TOKEN: 's3cret' })).toMatch(/^NIXFLEET_FORGEJO_TOKEN is not used/);
    const plain = { ...forgejo, NIXFLEET_FORGEJO_URL: 'http://git.example.org', NIXFLEET_FORGEJO_TOKEN: 's3cret' };
    expect(warnings(plain)).toMatch(/^NIXFLEET_FORGEJO_URL is plain http/);
    expect(warnings({ ...plain, NIXFLEET_FORGEJO_URL: 'http://127.0.0.1:3000' })).toBe('');
    const login = problems({ ...forgejo, NIXFLEET_FORGEJO_URL: 'https://ada:s3cret@git.example.org' }).join();
    expect(login).toContain('without user and password');
    expect(login).not.toContain('s3cret');
    for (const wrong of ['nixcfg', 'https://github.com/ada/nixcfg', 'ada/..', 'ada/nix cfg', '-a/b']) {
      expect(problems({ NIXFLEET_GITHUB_REPO: wrong }).join()).toContain('such as ada/nixcfg');
    }
    for (const wrong of ['/etc/passwd', '../x', 'a/../b', 'a//b', '.git/config', 'a\\b']) {
      expect(problems({ NIXFLEET_UPDATE_FILES: wrong }).join()).toContain('from the root of the repository');
    }
  });

  it('writes no colours by default, and none without a repository to write to', () => {
    expect(config({})).toMatchObject({ colorCommitMode: 'off', nixcfgPath: join(config({}).dataDir, 'nixcfg') });
    const push = { NIXFLEET_COLOR_COMMIT_MODE: 'push' };
    expect(warnings(push)).toContain('set NIXFLEET_CONFIG_REPO or a forge');
    expect(config({ ...push, NIXFLEET_CONFIG_REPO: '/srv/nixcfg.git' }).colorCommitMode).toBe('push');
    const pr = { NIXFLEET_COLOR_COMMIT_MODE: 'pr', NIXFLEET_CONFIG_REPO: '/srv/nixcfg.git' };
    expect(warnings(pr)).toContain('no forge is configured for pull requests');
    expect(config({ ...pr, NIXFLEET_GITHUB_REPO: 'ada/nixcfg' }).colorCommitMode).toBe('pr');
  });
});

describe('settings and the table of variables', () => {
  it('show every variable, and where its value comes from', () => {
    const views = settingViews({ NIXFLEET_RATE_LIMIT: '7' });
    const view = (name: string) => views.find((one) => one.name === name);
    expect(view('NIXFLEET_RATE_LIMIT')).toMatchObject({ value: '7', source: 'environment' });
    expect(view('NIXFLEET_LISTEN')).toMatchObject({ value: ':8000', source: 'default' });
    expect(view('NIXFLEET_SESSION_SECRET')).toMatchObject({ source: 'made by the dashboard' });
    expect(view('NIXFLEET_PASSWORD_HASH')).toMatchObject({ source: 'set here' });
    expect(view('NIXFLEET_COLOR_FILE')?.value).not.toContain('`');
    for (const { name } of Object.values(VARIABLES)) expect(configurationTable()).toContain(`| \`${name}\` |`);
  });
});

describe('parseGoDuration', () => {
  it.each([
    ['24h', 86_400_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
    ['500ms', 500],
    ['1h0m0.5s', 3_600_500],
    ['.5h', 1_800_000],
    ['2000000ns', 2],
    ['0', 0],
  ])('reads %s', (raw, ms) => expect(parseGoDuration(raw)).toBe(ms));

  it.each(['', '1', '-5s', '5 s', '5d', 's', '1h30', '.s', '1e3s'])('refuses %j', (raw) => {
    expect(parseGoDuration(raw)).toBeNull();
  });

  it('adds up the parts of a duration', () => {
    const part = fc.nat(10_000);
    fc.assert(
      fc.property(part, part, part, part, (h, m, s, ms) => {
        expect(parseGoDuration(`${h}h${m}m${s}s${ms}ms`)).toBe(((h * 60 + m) * 60 + s) * 1_000 + ms);
      }),
    );
  });
});

describe('a secret in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nixfleet-config-'));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  it('counts as the variable itself, without the trailing newline', () => {
    const env = { NIXFLEET_AGENT_TOKEN_FILE: file('token', 'a-token-of-some-length\n') };
    expect(config(env).agentToken).toBe('a-token-of-some-length');
    expect(warnings(env)).toBe('');
    expect(settingViews(env).find(({ name }) => name === 'NIXFLEET_AGENT_TOKEN')).toMatchObject({
      value: 'set',
      source: 'environment',
    });
  });

  it('is refused if the variable itself is set, too', () => {
    const env = { NIXFLEET_AGENT_TOKEN: 'x'.repeat(32), NIXFLEET_AGENT_TOKEN_FILE: file('other', 'y'.repeat(32)) };
    expect(problems(env)).toEqual([
      'NIXFLEET_AGENT_TOKEN and NIXFLEET_AGENT_TOKEN_FILE are both set: remove one of them.',
    ]);
  });

  it.each([
    ['that does not exist', join(folder, 'absent'), "can't be read (ENOENT)"],
    ['that is empty', file('empty', ' \n'), 'is empty'],
    ['that is a folder', folder, 'is not a file with a secret'],
    ['that never ends', '/dev/zero', 'is not a file with a secret'],
    ['that is too long', file('long', 'x'.repeat(70_000)), 'is not a file with a secret'],
  ])('stops startup when it names a file %s', (_what, path, problem) => {
    const [found] = problems({ NIXFLEET_SESSION_SECRET_FILE: path });
    expect(found).toContain(`NIXFLEET_SESSION_SECRET_FILE: ${path} ${problem}`);
  });

  it('works for secrets only', () => {
    expect(warnings({ NIXFLEET_LISTEN_FILE: file('listen', ':9000') })).toContain(
      'NIXFLEET_LISTEN_FILE is not a variable',
    );
  });
});
