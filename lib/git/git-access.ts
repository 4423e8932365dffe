/** Access to a repository: its address without secrets, and an environment that passes them to git (git-config(1)). */
import { basicAuthorization, safeAddress, shownAddress } from './repository-address';
import { gitEnvironment } from './git-run';

export interface GitAccess {
  /** Without credentials, because every user of the machine can read git's arguments. */
  url: string;
  /** The address without credentials. */
  shown: string;
  environment: NodeJS.ProcessEnv;
  /** Strings to redact from git's output. */
  secrets: readonly string[];
  hasCredentials: boolean;
}

/**
 * Settings that send an Authorization header to the server of an address. Git chooses the header once, by the first
 * address, and would send it to wherever the server redirects, so requests with it follow no redirect: see `redirects.ts`.
 */
export function credentialSettings(url: string, authorization: string): (readonly [key: string, value: string])[] {
  const server = `http.${new URL(url).origin}/`;
  return [
    [`${server}.extraHeader`, `Authorization: ${authorization}`],
    [`${server}.followRedirects`, 'false'],
  ];
}

/** `token`: for an http(s) address without credentials. */
export function gitAccess(
  repository: string,
  token: string | null,
  base: NodeJS.ProcessEnv,
  settings: readonly (readonly [key: string, value: string])[],
): GitAccess {
  const { url, login } = safeAddress(repository);
  const web = /^https?:\/\//.test(url);
  // Forges accept a token as the password of any user.
  const account = login ?? (token !== null && token !== '' && web ? { user: 'x-access-token', password: token } : null);
  const authorization = account === null ? null : basicAuthorization(account);
  return {
    url,
    shown: shownAddress(repository),
    environment: gitEnvironment(base, [
      ['http.lowSpeedLimit', '1'],
      ['http.lowSpeedTime', '30'],
      ['core.hooksPath', '/dev/null'],
      ...settings,
      ...(authorization === null ? [] : credentialSettings(url, authorization)),
    ]),
    secrets: [token ?? '', login?.password ?? '', authorization?.slice('Basic '.length) ?? ''],
    hasCredentials: authorization !== null,
  };
}
