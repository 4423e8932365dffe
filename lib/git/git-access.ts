/** How git reaches a repository: its address without secrets, and an environment that carries them (git-config(1)). */
import { basicAuthorization, safeAddress, shownAddress } from './repository-address';
import { gitEnvironment } from './git-run';

export interface GitAccess {
  /** Without credentials: it is an argument of git, which every user of the machine can read. */
  url: string;
  /** As an operator may read it. */
  shown: string;
  environment: NodeJS.ProcessEnv;
  /** What must not be seen in anything that git says. */
  secrets: readonly string[];
  hasCredentials: boolean;
}

/** `token`: for an http(s) address that has no credentials of its own. */
export function gitAccess(
  repository: string,
  token: string | null,
  base: NodeJS.ProcessEnv,
  settings: readonly (readonly [key: string, value: string])[],
): GitAccess {
  const { url, login } = safeAddress(repository);
  const web = /^https?:\/\//.test(url);
  // Forges take a token as the password of any user name.
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
      ...(authorization === null
        ? []
        : // Only for this server: a redirect must not carry it elsewhere.
          [[`http.${new URL(url).origin}/.extraHeader`, `Authorization: ${authorization}`] as const]),
    ]),
    secrets: [token ?? '', login?.password ?? '', authorization?.slice('Basic '.length) ?? ''],
    hasCredentials: authorization !== null,
  };
}
