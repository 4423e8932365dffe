/**
 * The configuration: every environment variable, parsed once. Read by `server.ts` and `cli/` alone and handed on.
 * An empty value counts as unset; all wrong values are told at once, in words that say what to write instead.
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
  /** Absolute: where the secrets are that the dashboard makes. */
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

/** A secret may stand in a file, as service managers and container engines hand secrets out. */
const FILE_SUFFIX = '_FILE';
/** No secret is longer; a wrong path (a device, a log) must not fill the memory. */
const MAX_SECRET_FILE_BYTES = 64 * 1024;

const fileVariable = (variable: Variable<unknown>): string | null =>
  variable.shows === 'secret' ? `${variable.name}${FILE_SUFFIX}` : null;

/** The environment with what stands in the files that `…_FILE` variables name; problems name the variable and the path. */
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
      // Before it is opened: a device or a pipe would never end.
      if (!stat.isFile() || stat.size > MAX_SECRET_FILE_BYTES) {
        problems.push(`${where} is no file with a secret in it.`);
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

/** Version 1 had two variables for its proxies: whether to believe any, and which. */
function formerProxies(env: Environment): { raw: string; from: string } | null {
  if (!/^(?:1|true|yes|on)$/i.test(given(env, TRUST_HEADERS) ?? '')) return null;
  const listed = given(env, TRUSTED_IPS);
  return listed === null ? { raw: 'private', from: TRUST_HEADERS } : { raw: listed, from: TRUSTED_IPS };
}

/** The text of a variable as it counts, and the name under which it was found. */
function rawValue(env: Environment, variable: Variable<unknown>): { raw: string; from: string } | null {
  const own = given(env, variable.name);
  if (own !== null) return { raw: own, from: variable.name };
  if (variable.name === VARIABLES.trustedProxies.name) return formerProxies(env);
  if (variable.formerly === undefined) return null;
  const former = given(env, variable.formerly.name);
  const raw = former === null ? '' : (variable.formerly.take?.(former) ?? former);
  return raw === '' ? null : { raw, from: variable.formerly.name };
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
      warnings.push(`${found.from} is a name of version 1: it is understood, but write ${variable.name} instead.`);
    }
    const parsed = variable.parse(found.raw);
    if (parsed.ok) values[key] = parsed.value;
    else problems.push(`${found.from}${variable.shows ? '' : ` is ${JSON.stringify(found.raw)}`}: ${parsed.problem}.`);
  }
  // Each value is its variable's fallback or came out of its parser.
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
  return { ok: true, config, warnings: [...warnings, ...unheard(env), ...unwise(config)] };
}

/** Which forge is meant, and whether it is whole. */
function forgeProblems({ githubRepo, forgejoUrl, forgejoRepo, configRepo, colorCommitMode }: Values): string[] {
  const problems: string[] = [];
  if (githubRepo !== null && (forgejoUrl !== null || forgejoRepo !== null)) {
    problems.push(
      'NIXFLEET_GITHUB_REPO and NIXFLEET_FORGEJO_URL or NIXFLEET_FORGEJO_REPO are set, but the configuration lives in one ' +
        'place: remove those of the other.',
    );
  } else if (forgejoUrl === null && forgejoRepo !== null) {
    problems.push('NIXFLEET_FORGEJO_REPO is set, but NIXFLEET_FORGEJO_URL is not: write the address of the server.');
  } else if (forgejoUrl !== null && forgejoRepo === null) {
    problems.push('NIXFLEET_FORGEJO_URL is set, but NIXFLEET_FORGEJO_REPO is not: write the repository as owner/name.');
  }
  const hasForge = githubRepo !== null || forgejoRepo !== null;
  if (colorCommitMode === 'pr' && !hasForge) {
    problems.push(
      'NIXFLEET_COLOR_COMMIT_MODE is pr, but no forge is configured that could open one: set NIXFLEET_GITHUB_REPO, or ' +
        'NIXFLEET_FORGEJO_URL and NIXFLEET_FORGEJO_REPO.',
    );
  } else if (colorCommitMode === 'push' && !hasForge && configRepo === null) {
    problems.push(
      'NIXFLEET_COLOR_COMMIT_MODE is push, but no repository is configured: set NIXFLEET_CONFIG_REPO or a forge.',
    );
  }
  return problems;
}

/** Variables that were set and do nothing. */
function unheard(env: Environment): string[] {
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
          `${name} is a name of version 1 and changes nothing here: name the proxies in NIXFLEET_TRUSTED_PROXIES.`,
        );
      } else if (given(env, VARIABLES.trustedProxies.name) !== null) {
        warnings.push(`${name} is not used, because ${VARIABLES.trustedProxies.name} is set: remove it.`);
      }
    } else warnings.push(`${name} is not a variable of the dashboard and changes nothing: check its spelling.`);
  }
  for (const [, { name, formerly }] of variables()) {
    if (formerly && given(env, formerly.name) !== null && given(env, name) !== null) {
      warnings.push(`${formerly.name} is not used, because ${name} is set: remove it.`);
    }
  }
  return warnings;
}

/** Values that are right but probably not meant. */
function unwise(config: Config): string[] {
  const warnings: string[] = [];
  if (config.versionUrl !== null && config.configRepo !== null) {
    warnings.push(
      'NIXFLEET_VERSION_URL is not used, because NIXFLEET_CONFIG_REPO is set and knows more: remove one of them.',
    );
  }
  const ways: [string | null, string | null, string][] = [
    [config.githubToken, config.githubApiUrl, 'NIXFLEET_GITHUB_API_URL'],
    [config.forgejoToken, config.forgejoUrl, 'NIXFLEET_FORGEJO_URL'],
  ];
  for (const [token, address, name] of ways) {
    if (token !== null && address !== null && isPlainHttp(address)) {
      warnings.push(`${name} is plain http, so the forge's token can be read on the way: use an https address.`);
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
      'NIXFLEET_SESSION_SECRET is short: 32 random characters are better, or leave it out and one is made.',
    );
  }
  if (config.agentToken !== null && config.agentToken.length < 16) {
    warnings.push(
      'NIXFLEET_AGENT_TOKEN is short: whoever guesses it can pretend to be a host. Use 32 random characters.',
    );
  }
  return warnings;
}

/** By http, and not to this machine itself. */
function isPlainHttp(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'http:' && hostname !== 'localhost' && hostname !== '[::1]' && !/^127\./.test(hostname);
}

function shownValue(variable: Variable<unknown>, raw: string): string {
  if (variable.shows === 'secret') return 'set';
  return variable.shows === 'address' ? shownAddress(raw) : raw;
}

/** What is configured, without secrets, for the settings page. */
export function settingViews(environment: Environment): SettingView[] {
  const { env } = withSecretFiles(environment);
  return variables().map(([, variable]) => {
    const found = rawValue(env, variable);
    const { name, prose } = variable;
    return found === null
      ? { name, prose, value: variable.fallbackText, source: variable.fallbackSource ?? 'default' }
      : { name, prose, value: shownValue(variable, found.raw), source: 'environment' };
  });
}

/** The table of all variables for docs/configuration.md, in Markdown. */
export function configurationTable(): string {
  const rows = variables().map(([, { name, prose, fallbackText }]) => `| \`${name}\` | ${fallbackText} | ${prose} |`);
  return ['| Variable | Default | What it does |', '| --- | --- | --- |', ...rows].join('\n');
}
