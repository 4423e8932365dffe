/** Git commands that reach the repository's server, for the dashboard. */
import type { GitAccess } from './git-access';
import type { GitProblem } from './git-faults';
import { runGit, type GitEnd, type GitRun } from './git-run';
import { createMovableAddress, HEADERS_CHARACTERS, PRINT_HEADERS, type RemoteEnd } from './redirects';

export interface RemoteRun extends Omit<GitRun, 'environment'> {
  /** The environment of the access, if need be with additions. */
  environment: NodeJS.ProcessEnv;
}

/** Runs git with the repository's present address. `args` puts the address into the arguments. */
export type RemoteGit = (args: (url: string) => readonly string[], run: RemoteRun) => Promise<GitEnd | GitProblem>;

/** Follows a move on the same server, and never sends credentials to another one. */
export function createRemoteGit(access: GitAccess): RemoteGit {
  const address = createMovableAddress(access.url);
  return async (args, run) => {
    const followed = await address.run({
      attempt: async (url) => remoteEnd(await runGit(args(url), run)),
      look: async (url) =>
        remoteEnd(
          await runGit(['ls-remote', '--', url, 'HEAD'], {
            ...run,
            // No repository there could change what git does.
            cwd: '/',
            environment: { ...access.environment, ...PRINT_HEADERS },
            maxStderrCharacters: HEADERS_CHARACTERS,
          }),
        ),
    });
    return followed.kind === 'end' ? followed.end.end : { kind: 'redirected', to: followed.to };
  };
}

/** Whether the remote answers a request from outside of any copy, with the credentials and options of the others. */
export async function remoteAnswers(git: RemoteGit, run: RemoteRun): Promise<boolean> {
  const end = await git((url) => ['ls-remote', '--', url, 'HEAD'], { ...run, cwd: '/' });
  return end.kind === 'exit' && end.code === 0;
}

function remoteEnd(end: GitEnd): RemoteEnd & { end: GitEnd } {
  return { ok: end.kind === 'exit' && end.code === 0, stderr: end.kind === 'exit' ? end.stderr : '', end };
}
