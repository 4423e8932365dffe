/** The clone of a test host, as its agent keeps it. */
import { createRepository, type RepositoryOptions } from '../repository';
import { createShell } from '../shell';
import type { TestHost } from './host';

/** Opens the clone, and a shell of the agent; `say` gets the lines of its commands. */
export function openRepository(
  host: TestHost,
  more: Partial<RepositoryOptions> = {},
  say: (line: string) => void = () => undefined,
) {
  const env = { ...process.env, HOME: host.root, GIT_CONFIG_NOSYSTEM: '1' };
  const shell = createShell({ cwd: () => '/', env, say });
  const repository = createRepository({
    url: host.remote,
    dir: host.repoDir,
    branch: 'main',
    lockFile: 'flake.lock',
    submodules: false,
    sshKey: '',
    stateDir: host.stateDir,
    env,
    signal: new AbortController().signal,
    ...more,
  });
  return { repository, shell };
}
