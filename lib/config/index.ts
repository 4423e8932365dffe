/**
 * The configuration: every environment variable, parsed once. Only `server.ts` and `cli/` read it and pass it on. An
 * empty value counts as unset. All invalid values are reported at once, each with what to write instead.
 */
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { shownAddress } from '@/lib/git/repository-address';
import type { SettingView } from '@/lib/dashboard/runtime';
import { UNUSED_VARIABLES, VARIABLES, type Variable } from './variables';

export type { ListenAddress } from './parsers';

type Values = {
  [Key in keyof typeof VARIABLES]: (typeof VARIABLES)[Key] extends Variable<infer Value> ? Value : never;
};

export interface Config extends Values {
  /** Absolute. */
  dataDir: string;
  /** Absolute. */
  dbPath: string;
  /** Absolute. */
  nixcfgPath: string;
  /** Absolute. */
  backupDir: string;
  /** Absolute; null when backups are not copied. */
  backupCopyDir: string | null;
  /** Absolute: the folder of the secrets that the dashboard generates. */
  secretsDir: string;
}

export type ConfigResult =
  { ok: true; config: Config; warnings: readonly string[] } | { ok: false; problems: readonly string[] };

/** The environment as a process has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

const TRUST_HEADERS = 'NIXFLEET_TRUST_PROXY_HEADERS';
const TRUSTED_IPS = 'NIXFLEET_TRUSTED_PROXY_IPS';

const variables = (): [string, Variable<unknown>][] => Object.entries(VARIABLES);

function given(env: Environment, name: string): string | null {
  const raw = env[name]?.trim();
  return raw === undefined || raw === '' ? null : raw;
}

/** A secret may be in a file, as service managers and container engines provide it. */
const FILE_SUFFIX = '_FILE';
/** No secret is longer. A wrong path (a device, a log) must not fill the memory. */
const MAX_SECRET_FILE_BYTES = 64 * 1024;

const fileVariable = (variable: Variable<unknown>): string | null =>
  variable.shows === 'secret' ? `${variable.name}${FILE_SUFFIX}` : null;

/** The environment with the contents of the files that `…_FILE` variables name. Problems name variable and path. */
function withSecretFiles(env: Environment): { env: Environment; problems: string[] } {
  const read: Record<string, string | undefined> = { ...env };
  const problems: string[] = [];
  for (const [, variable] of variables()) {
    const name = fileVariable(variable);
    const path = name === null ? null : given(env, name);
    if (name === null || path === null) continue;
    if (given(env, variable.name) !== null) {
      problems.push(`${variable.name} and ${name} are both set: remove one of them.`);
      continue;
    }
    const where = `${name}: ${path}`;
    try {
      const stat = statSync(path);
      // Check before reading: a device or a pipe would never end.
      if (!stat.isFile() || stat.size > MAX_SECRET_FILE_BYTES) {
        problems.push(`${where} is not a file with a secret.`);
        continue;
      }
      const text = readFileSync(path, 'utf8').trim();
      if (text === '') problems.push(`${where} is empty.`);
      else read[variable.name] = text;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      problems.push(`${where} can't be read (${code}). Make it readable for this user.`);
    }
  }
  return { env: read, problems };
}

/** Version 1 had two variables for its proxies: whether to trust any, and which. */
function formerProxies(env: Environment): { raw: string; from: string } | null {
  if (!/^(?:1|true|yes|on)$/i.test(given(env, TRUST_HEADERS) ?? '')) return null;
  const listed = given(env, TRUSTED_IPS);
  return listed === null ? { raw: 'private', from: TRUST_HEADERS } : { raw: listed, from: TRUSTED_IPS };
}

/** The effective text of a variable, and the name under which it was set. */
function rawValue(env: Environment, variable: Variable<unknown>): { raw: string; from: string } | null {
  const raw = given(env, variable.name);
  if (raw !== null) return { raw, from: variable.name };
  if (variable.name === VARIABLES.trustedProxies.name) return formerProxies(env);
  if (variable.formerly === undefined) return null;
  const former = given(env, variable.formerly.name);
  const converted = former === null ? '' : (variable.formerly.convert?.(former) ?? former);
  return converted === '' ? null : { raw: converted, from: variable.formerly.name };
}

/** Reads the configuration. Never throws; no problem and no warning repeats a secret. */
export function readConfig(environment: Environment): ConfigResult {
  const { env, problems } = withSecretFiles(environment);
  const warnings: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, variable] of variables()) {
    const found = rawValue(env, variable);
    values[key] = variable.fallback;
    if (found === null) continue;
    if (found.from !== variable.name) {
      warnings.push(`${found.from} is a name of version 1: it still works, but write ${variable.name} instead.`);
    }
    const parsed = variable.parse(found.raw);
    if (parsed.ok) values[key] = parsed.value;
    else problems.push(`${found.from}${variable.shows ? '' : ` is ${JSON.stringify(found.raw)}`}: ${parsed.problem}.`);
  }
  // Each value is its variable's fallback or the result of its parser.
  const parsed = values as unknown as Values;
  problems.push(...forgeProblems(parsed));
  if (problems.length > 0) return { ok: false, problems };
  const dataDir = resolve(parsed.dataDir);
  const config = {
    ...parsed,
    dataDir,
    dbPath: resolve(parsed.dbPath ?? join(dataDir, 'nixfleet.db')),
    nixcfgPath: resolve(parsed.nixcfgPath ?? join(dataDir, 'nixcfg')),
    backupDir: resolve(parsed.backupDir ?? join(dataDir, 'backups')),
    backupCopyDir: parsed.backupCopyDir === null ? null : resolve(parsed.backupCopyDir),
    secretsDir: join(dataDir, 'secrets'),
  };
  return { ok: true, config, warnings: [...warnings, ...unusedVariables(env), ...questionableValues(config)] };
}

/** Checks that at most one forge is configured, and completely. */
function forgeProblems({ githubRepo, forgejoUrl, forgejoRepo, configRepo, colorCommitMode }: Values): string[] {
  const problems: string[] = [];
  if (githubRepo !== null && (forgejoUrl !== null || forgejoRepo !== null)) {
    problems.push(
      'GitHub and Forgejo are both configured, but only one can be used: remove NIXFLEET_GITHUB_REPO, or ' +
        'NIXFLEET_FORGEJO_URL and NIXFLEET_FORGEJO_REPO.',
    );
  } else if (forgejoUrl === null && forgejoRepo !== null) {
    problems.push('NIXFLEET_FORGEJO_REPO is set, but NIXFLEET_FORGEJO_URL is not: write the address of the server.');
  } else if (forgejoUrl !== null && forgejoRepo === null) {
    problems.push('NIXFLEET_FORGEJO_URL is set, but NIXFLEET_FORGEJO_REPO is not: write the repository as owner/name.');
  }
  const hasForge = githubRepo !== null || forgejoRepo !== null;
  if (colorCommitMode === 'pr' && !hasForge) {
    problems.push(
      'NIXFLEET_COLOR_COMMIT_MODE is pr, but no forge is configured for pull requests: set NIXFLEET_GITHUB_REPO, or ' +
        'NIXFLEET_FORGEJO_URL and NIXFLEET_FORGEJO_REPO.',
    );
  } else if (colorCommitMode === 'push' && !hasForge && configRepo === null) {
    problems.push(
      'NIXFLEET_COLOR_COMMIT_MODE is push, but no repository is configured: set NIXFLEET_CONFIG_REPO or a forge.',
    );
  }
  return problems;
}

/** Warnings about variables that are set and have no effect. */
function unusedVariables(env: Environment): string[] {
  const known = new Set(
    variables().flatMap(([, one]) => [one.name, one.formerly?.name ?? one.name, fileVariable(one) ?? one.name]),
  );
  const warnings: string[] = [];
  for (const name of Object.keys(env).sort()) {
    if (!name.startsWith('NIXFLEET_') || known.has(name) || given(env, name) === null) continue;
    const why = UNUSED_VARIABLES[name];
    if (why !== undefined) warnings.push(`${name} is not used by this version: ${why}.`);
    else if (name === TRUST_HEADERS || name === TRUSTED_IPS) {
      if (formerProxies(env) === null) {
        warnings.push(
          `${name} is a name of version 1 and has no effect here: set NIXFLEET_TRUSTED_PROXIES to the proxies.`,
        );
      } else if (given(env, VARIABLES.trustedProxies.name) !== null) {
        warnings.push(`${name} is not used, because ${VARIABLES.trustedProxies.name} is set: remove it.`);
      }
    } else warnings.push(`${name} is not a variable of the dashboard and has no effect: check its spelling.`);
  }
  for (const [, { name, formerly }] of variables()) {
    if (formerly && given(env, formerly.name) !== null && given(env, name) !== null) {
      warnings.push(`${formerly.name} is not used, because ${name} is set: remove it.`);
    }
  }
  return warnings;
}

/** Warnings about values that are valid but probably not intended. */
function questionableValues(config: Config): string[] {
  const warnings: string[] = [];
  if (config.versionUrl !== null && config.configRepo !== null) {
    warnings.push(
      'NIXFLEET_VERSION_URL is not used, because NIXFLEET_CONFIG_REPO is set and gives more information: remove one of them.',
    );
  }
  const ways: [string | null, string | null, string][] = [
    [config.githubToken, config.githubApiUrl, 'NIXFLEET_GITHUB_API_URL'],
    [config.forgejoToken, config.forgejoUrl, 'NIXFLEET_FORGEJO_URL'],
  ];
  for (const [token, address, name] of ways) {
    if (token !== null && address !== null && isPlainHttp(address)) {
      warnings.push(
        `${name} is plain http, so others on the network can read the forge's token: use an https address.`,
      );
    }
  }
  if (config.githubToken !== null && config.githubRepo === null) {
    warnings.push(
      'NIXFLEET_GITHUB_TOKEN is not used, because NIXFLEET_GITHUB_REPO is not set: name the repository, or remove the token.',
    );
  }
  if (config.forgejoToken !== null && config.forgejoRepo === null) {
    warnings.push(
      'NIXFLEET_FORGEJO_TOKEN is not used, because NIXFLEET_FORGEJO_REPO is not set: name the repository, or remove the token.',
    );
  }
  if (config.sessionSecret !== null && config.sessionSecret.length < 16) {
    warnings.push(
      'NIXFLEET_SESSION_SECRET is short: use 32 random characters, or leave it unset: the dashboard then generates one.',
    );
  }
  if (config.agentToken !== null && config.agentToken.length < 16) {
    warnings.push(
      'NIXFLEET_AGENT_TOKEN is short: anybody who guesses it can pretend to be a host. Use 32 random characters.',
    );
  }
  return warnings;
}

/** True for http to another machine. */
function isPlainHttp(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'http:' && hostname !== 'localhost' && hostname !== '[::1]' && !/^127\./.test(hostname);
}

function shownValue(variable: Variable<unknown>, raw: string): string {
  if (variable.shows === 'secret') return 'set';
  return variable.shows === 'address' ? shownAddress(raw) : raw;
}

/** The configuration without secrets, for the settings page. */
export function settingViews(environment: Environment): SettingView[] {
  const { env } = withSecretFiles(environment);
  return variables().map(([, variable]) => {
    const found = rawValue(env, variable);
    const { name, prose } = variable;
    return found === null
      ? {
          name,
          prose,
          // The back quotes are for the document.
          value: variable.fallbackText.replaceAll('`', ''),
          source: variable.fallbackSource ?? 'default',
        }
      : { name, prose, value: shownValue(variable, found.raw), source: 'environment' };
  });
}

/** The table of all variables for docs/configuration.md, in Markdown. */
export function configurationTable(): string {
  const rows = variables().map(([, { name, prose, fallbackText }]) => `| \`${name}\` | ${fallbackText} | ${prose} |`);
  return ['| Variable | Default | What it does |', '| --- | --- | --- |', ...rows].join('\n');
}
