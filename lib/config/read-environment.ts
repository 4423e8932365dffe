/** Reads variables from the environment: their former names, and the files that hold secrets. */
import { readFileSync, statSync } from 'node:fs';
import { VARIABLES } from './variables';
import type { Variable } from './variables/variable';

/** The environment as a process has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

export const TRUST_HEADERS = 'NIXFLEET_TRUST_PROXY_HEADERS';
export const TRUSTED_IPS = 'NIXFLEET_TRUSTED_PROXY_IPS';

export const variables = (): [string, Variable<unknown>][] => Object.entries(VARIABLES);

export function given(env: Environment, name: string): string | null {
  const raw = env[name]?.trim();
  return raw === undefined || raw === '' ? null : raw;
}

/** A secret may be in a file, as service managers and container engines provide it. */
const FILE_SUFFIX = '_FILE';
/** No secret is longer. A wrong path (a device, a log) must not fill the memory. */
const MAX_SECRET_FILE_BYTES = 64 * 1024;

export const fileVariable = (variable: Variable<unknown>): string | null =>
  variable.shows === 'secret' ? `${variable.name}${FILE_SUFFIX}` : null;

/** The environment with the contents of the files that `…_FILE` variables name. Problems name variable and path. */
export function withSecretFiles(env: Environment): { env: Environment; problems: string[] } {
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
export function formerProxies(env: Environment): { raw: string; from: string } | null {
  if (!/^(?:1|true|yes|on)$/i.test(given(env, TRUST_HEADERS) ?? '')) return null;
  const listed = given(env, TRUSTED_IPS);
  return listed === null ? { raw: 'private', from: TRUST_HEADERS } : { raw: listed, from: TRUSTED_IPS };
}

/** The effective text of a variable, and the name under which it was set. */
export function rawValue(env: Environment, variable: Variable<unknown>): { raw: string; from: string } | null {
  const raw = given(env, variable.name);
  if (raw !== null) return { raw, from: variable.name };
  if (variable.name === VARIABLES.trustedProxies.name) return formerProxies(env);
  if (variable.formerly === undefined) return null;
  const former = given(env, variable.formerly.name);
  const converted = former === null ? '' : (variable.formerly.convert?.(former) ?? former);
  return converted === '' ? null : { raw: converted, from: variable.formerly.name };
}
