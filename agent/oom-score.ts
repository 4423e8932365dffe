/**
 * Makes the kernel's out-of-memory killer prefer evaluations and builds to the agent, whose value they would inherit: the
 * unit of the agent lowers it. Any user may raise it (proc_pid_oom_score_adj(5)).
 */
import { findOnPath } from './machine';

/** From -1000 (never) to 1000 (first). What is not set has 0, as the services of the host. */
export const BUILD_OOM_SCORE = 500;

/** Sets its own value, unless that is higher already, and becomes the program. */
const SCRIPT =
  'read -r now </proc/self/oom_score_adj; [ "$now" -ge "$0" ] || echo "$0" >/proc/self/oom_score_adj; exec "$@"';

/**
 * The command line that runs a program as one of the first that the kernel kills. On systems without such a value, and for
 * a program that is not in `path`, it is the program itself: then the error names it.
 */
export function killedFirst(
  program: string,
  args: readonly string[],
  path: string,
  platform: NodeJS.Platform = process.platform,
): { program: string; args: readonly string[] } {
  if (platform !== 'linux' || findOnPath(program, path) === null) return { program, args };
  return { program: '/bin/sh', args: ['-c', SCRIPT, String(BUILD_OOM_SCORE), program, ...args] };
}
