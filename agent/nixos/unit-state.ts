/** What became of an operation of nixfleet-root whose start gave no clear answer, or that an earlier process began. */
import { join } from 'node:path';
import type { Shell } from '../shell';
import type { OperationState, RootHelper, Start } from './root-helper';

/** In the folder of an operation: stdout and stderr of its unit. */
export const OUTPUT_FILE = 'output';
/** How often nixfleet-root is asked, and how many times: about two minutes. */
const ASK_PAUSE_MS = 5_000;
const MAX_ASKED = 24;

/** `refused`: nothing was started. `unknown`: nixfleet-root does not say whether it was. */
export type Begun =
  { kind: 'started'; output: string } | { kind: 'refused' | 'unknown'; exitCode: number; problem: string };

/** Asks until nixfleet-root answers. The state is `unknown` when it has not within two minutes. */
export async function askUntilKnown(helper: RootHelper, shell: Shell, id: string): Promise<OperationState> {
  for (let tries = 1; ; tries++) {
    const found = await helper.stateOf(shell, id);
    if (found.state !== 'unknown' || tries === MAX_ASKED) return found;
    await new Promise((resolve) => setTimeout(resolve, ASK_PAUSE_MS));
  }
}

/**
 * Whether the unit started. The agent can't end a call that runs as root: one whose answer is late, or got lost, may have
 * started it all the same.
 */
export async function whatBegan(helper: RootHelper, shell: Shell, id: string, start: Start): Promise<Begun> {
  if (start.ok) return { kind: 'started', output: start.started.output };
  const { exitCode, problem } = start;
  if (start.isRefused) return { kind: 'refused', exitCode, problem };
  const { state, folder } = await askUntilKnown(helper, shell, id);
  if (state === 'none') return { kind: 'refused', exitCode, problem };
  if (state === 'unknown') return { kind: 'unknown', exitCode, problem };
  shell.say(`The answer of nixfleet-root is missing, but it has started the unit: ${problem}`, 'stderr');
  return { kind: 'started', output: join(folder, OUTPUT_FILE) };
}
