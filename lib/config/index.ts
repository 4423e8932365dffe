/**
 * The configuration: every environment variable, parsed once. Only `server.ts` and `cli/` read it and pass it on. An
 * empty value counts as unset. All invalid values are reported at once, each with what to write instead.
 */
import { join, resolve } from 'node:path';
import { shownAddress } from '@/lib/git/repository-address';
import type { SettingView } from '@/lib/dashboard/runtime';
import { rawValue, variables, withSecretFiles, type Environment } from './read-environment';
import type { Replacement } from './parsers';
import { unusedVariables, type UnusedValue } from './unused-variables';
import { VARIABLES } from './variables';
import type { Variable } from './variables/variable';

export type { Environment } from './read-environment';
export type { ListenAddress } from './parsers';
export { formerEnvironment, type FormerVersion, type UnusedValue } from './unused-variables';

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
  | {
      ok: true;
      config: Config;
      /** Sentences for the log; those of `unused` are among them. */
      warnings: readonly string[];
      unused: readonly UnusedValue[];
    }
  | { ok: false; problems: readonly string[] };

interface ReadValues {
  /** With replacements in place. */
  values: Values;
  /** Values in force in place of those that are written, by the name of their variable. */
  replaced: Map<string, Replacement & { raw: string; from: string }>;
  problems: string[];
  warnings: string[];
}

function readValues(env: Environment): ReadValues {
  const read: Record<string, unknown> = {};
  const replaced: ReadValues['replaced'] = new Map();
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const [key, variable] of variables()) {
    const found = rawValue(env, variable);
    read[key] = variable.fallback;
    if (found === null) continue;
    if (found.from !== variable.name) {
      warnings.push(`${found.from} is a name of version 1: it still works, but write ${variable.name} instead.`);
    }
    const parsed = variable.parse(found.raw);
    if (parsed.ok) {
      read[key] = parsed.value;
      if (parsed.replacement) replaced.set(variable.name, { ...parsed.replacement, ...found });
    } else
      problems.push(`${found.from}${variable.shows ? '' : ` is ${JSON.stringify(found.raw)}`}: ${parsed.problem}.`);
  }
  // Each value is its variable's fallback or the result of its parser.
  const values = read as unknown as Values;
  const why = colorModeProblem(values);
  if (why !== null) {
    const { name } = VARIABLES.colorCommitMode;
    replaced.set(name, { text: 'off', why, raw: values.colorCommitMode, from: name });
    values.colorCommitMode = 'off';
  }
  return { values, replaced, problems, warnings };
}

/** Reads the configuration. Never throws; no problem and no warning repeats a secret. */
export function readConfig(environment: Environment): ConfigResult {
  const { env, problems: fileProblems } = withSecretFiles(environment);
  const { values: parsed, replaced, problems: valueProblems, warnings } = readValues(env);
  const problems = [...fileProblems, ...valueProblems, ...forgeProblems(parsed)];
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
  const notUsed = unusedVariables(env);
  const unused = [
    ...[...replaced].map(([variable, { text, why, raw, from }]): UnusedValue => {
      const sentence = `${from} is ${JSON.stringify(raw)}: ${why}. Until then, ${text} is used.`;
      return { variable, sentence, of: 'version 3' };
    }),
    ...notUsed.flatMap(({ of, ...one }) => (of === null ? [] : [{ ...one, of }])),
  ];
  const sentences = [
    ...unused.map(({ sentence }) => sentence),
    ...notUsed.flatMap(({ of, sentence }) => (of === null ? [sentence] : [])),
  ];
  return { ok: true, config, warnings: [...warnings, ...sentences, ...questionableValues(config)], unused };
}

/** Checks that at most one forge is configured, and completely. */
function forgeProblems({ githubRepo, forgejoUrl, forgejoRepo }: Values): string[] {
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
  return problems;
}

/** Why colours can't be written in the configured way; null when they can. Version 3 wrote none then, either. */
function colorModeProblem({ githubRepo, forgejoRepo, configRepo, colorCommitMode }: Values): string | null {
  const hasForge = githubRepo !== null || forgejoRepo !== null;
  if (colorCommitMode === 'pr' && !hasForge) {
    return (
      'no forge is configured for pull requests: set NIXFLEET_GITHUB_REPO, or NIXFLEET_FORGEJO_URL and ' +
      'NIXFLEET_FORGEJO_REPO'
    );
  }
  return colorCommitMode === 'push' && !hasForge && configRepo === null
    ? 'no repository is configured: set NIXFLEET_CONFIG_REPO or a forge'
    : null;
}

/** Warnings about values that are valid but probably not intended. */
function questionableValues(config: Config): string[] {
  const warnings: string[] = [];
  if (config.versionUrl !== null && config.configRepo !== null) {
    warnings.push(
      'NIXFLEET_VERSION_URL is not used, because NIXFLEET_CONFIG_REPO is set and gives more information: remove one of them.',
    );
  }
  const insecure = config.baseUrl?.startsWith('https:') === true ? config.allowedOrigins.filter(isPlainHttp) : [];
  if (insecure.length > 0) {
    warnings.push(
      `NIXFLEET_ALLOWED_ORIGINS has ${insecure.join(', ')}, where nobody can sign in: with https in NIXFLEET_BASE_URL, ` +
        'cookies are Secure. Use https there, too, or remove it.',
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
  const { replaced } = readValues(env);
  return variables().map(([, variable]) => {
    const found = rawValue(env, variable);
    const { name, prose } = variable;
    const instead = replaced.get(name);
    if (instead) {
      const { text, why, raw } = instead;
      return { name, prose, value: text, source: 'replaced', note: `Set to ${JSON.stringify(raw)}: ${why}.` };
    }
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
