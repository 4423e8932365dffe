/** Calls nixfleet-root, the one program that the agent runs as root (`agent/root-helper/nixfleet-root` has its grammar). */
import { accessSync, constants } from 'node:fs';
import type { RunEnd, Shell } from '../shell';

/** The program itself answers at once; it waits up to 20 s for another call of it. */
const CALL_TIMEOUT_MS = 60_000;
const GRAMMAR = '1';

export type ActivationAction = 'test' | 'switch' | 'boot';
/** `isRefused`: nixfleet-root said that it has changed nothing. A call without an answer may have done its work. */
type Failure = { ok: false; exitCode: number; problem: string; isRefused: boolean };
type Answer = { ok: true; values: ReadonlyMap<string, string> } | Failure;
/** An operation that was started: where it writes. */
export interface StartedUnit {
  unit: string;
  /** stdout and stderr of the unit, appended. */
  output: string;
  /** Written whole at its end. */
  result: string;
}
export type Start = { ok: true; started: StartedUnit } | Failure;

/**
 * `ended`: with a result. `lost`: it ended without one, or the machine was restarted. `none`: there is no such operation.
 * `unknown`: nixfleet-root did not answer.
 */
export type UnitState = 'running' | 'ended' | 'lost' | 'none' | 'unknown';

/** A timer that goes back to a system. `lost`: it is armed no more, although nobody disarmed it and it has not fired. */
export type TimerState = 'none' | 'armed' | 'firing' | 'fired' | 'disarmed' | 'lost' | 'unknown';

/** What nixfleet-root knows of an operation. */
export interface OperationState {
  state: UnitState;
  timer: TimerState;
  /** The folder with its files; '' when it is not known. */
  folder: string;
  /** With which systemd saw the unit exit; null when it did not, or was killed. */
  exitCode: number | null;
}

/** `none`: no timer was armed. `too-late`: the timer has fired, or the machine was restarted. */
export type Disarm =
  { kind: 'disarmed' } | { kind: 'none' } | { kind: 'too-late' } | { kind: 'failed'; problem: string };

export type RootHelper = ReturnType<typeof createRootHelper>;

/** `program`: its path, as the sudo rule names it. `callTimeoutMs`: how long a call may take. */
export function createRootHelper(program: string, callTimeoutMs = CALL_TIMEOUT_MS) {
  async function call(shell: Shell, ...args: string[]): Promise<Answer> {
    const run = await shell.run('sudo', ['-n', program, ...args], { quiet: true, timeoutMs: callTimeoutMs });
    if (run.ok) return { ok: true, values: valuesOf(run.stdout) };
    const exitCode = run.end.kind === 'exited' ? run.end.code : 1;
    const isRefused = run.end.kind === 'not-started' || REFUSALS.has(exitCode);
    return { ok: false, exitCode, problem: problemOf(run), isRefused };
  }

  async function start(shell: Shell, ...args: string[]): Promise<Start> {
    const answer = await call(shell, ...args);
    if (!answer.ok) return answer;
    const [unit, output, result] = ['unit', 'output', 'result'].map((name) => answer.values.get(name) ?? '');
    if (!unit || !output || !result)
      return { ok: false, exitCode: 1, problem: 'nixfleet-root gave an incomplete answer', isRefused: false };
    return { ok: true, started: { unit, output, result } };
  }

  return {
    /** Why it can't be used, as a sentence; null when it can. */
    async problem(shell: Shell): Promise<string | null> {
      // Without a rule, every call of sudo is an incident in the host's log.
      if (!isInstalled(program)) return `${program} is not installed`;
      const answer = await call(shell, 'version');
      if (!answer.ok) return answer.problem;
      const grammar = answer.values.get('grammar') ?? '';
      return grammar === GRAMMAR
        ? null
        : `nixfleet-root has command version ${grammar}, which this agent does not support`;
    },
    /** Starts the activation of a system. It goes on whatever happens to the agent. */
    activate: (shell: Shell, id: string, action: ActivationAction, path: string): Promise<Start> =>
      start(shell, 'activate', id, action, path),
    /** Starts the switch to a generation, with that system's own script and with its boot entry. */
    goTo: (shell: Shell, id: string, generation: number): Promise<Start> => start(shell, 'go', id, String(generation)),
    /** Whether its unit runs, what became of its timer, and the folder with its files. */
    async stateOf(shell: Shell, id: string): Promise<OperationState> {
      const answer = await call(shell, 'status', id);
      if (!answer.ok) {
        const state = answer.exitCode === NO_OPERATION ? 'none' : 'unknown';
        return { state, timer: state, folder: '', exitCode: null };
      }
      const job = answer.values.get('job');
      const folder = answer.values.get('folder') ?? '';
      const isKnown = job === 'running' || job === 'ended' || job === 'lost' || job === 'none';
      const timer = TIMER_STATES.find((state) => state === answer.values.get('timer')) ?? 'unknown';
      const exitCode = exitCodeOf(answer.values);
      return { state: isKnown && folder !== '' ? job : 'unknown', timer, folder, exitCode };
    },
    /** Activates `path`, the running system, after that many seconds, unless it is disarmed; again: a new delay. */
    async arm(shell: Shell, id: string, seconds: number, path: string): Promise<Armed> {
      const answer = await call(shell, 'arm', id, String(seconds), path);
      return answer.ok ? { ok: true, folder: answer.values.get('folder') ?? '' } : answer;
    },
    async disarm(shell: Shell, id: string): Promise<Disarm> {
      const answer = await call(shell, 'disarm', id);
      if (answer.ok) return { kind: 'disarmed' };
      if (answer.exitCode === NO_OPERATION) return { kind: 'none' };
      return answer.exitCode === TOO_LATE ? { kind: 'too-late' } : { kind: 'failed', problem: answer.problem };
    },
    /** Ends a running activation, which is half-way then. Gives a sentence when that is not possible. */
    async stop(shell: Shell, id: string): Promise<string | null> {
      const answer = await call(shell, 'stop', id);
      return answer.ok ? null : answer.problem;
    },
    /** Reboots the host. Gives a sentence when that is not possible. */
    async reboot(shell: Shell): Promise<string | null> {
      const answer = await call(shell, 'reboot');
      return answer.ok ? null : answer.problem;
    },
    /** Removes what is kept of an operation that has ended. */
    async forget(shell: Shell, id: string): Promise<void> {
      await call(shell, 'forget', id);
    },
  };
}

function isInstalled(program: string): boolean {
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Exit codes of nixfleet-root: there is no operation of that name; the timer has fired, or the machine was restarted. */
const NO_OPERATION = 66;
export const TOO_LATE = 75;
/** Exit codes with which it ends before it changes anything. 70 is none of them: systemd may have started the unit. */
const REFUSALS: ReadonlySet<number> = new Set([64, 65, NO_OPERATION, 69, 73, 77]);
const TIMER_STATES = ['none', 'armed', 'firing', 'fired', 'disarmed', 'lost'] as const;
/** `folder`: with its files; '' where an older nixfleet-root does not name it. */
export type Armed = { ok: true; folder: string } | Failure;

/** The unit stays after its program has exited (RemainAfterExit), until it is forgotten or the machine restarts. */
function exitCodeOf(values: ReadonlyMap<string, string>): number | null {
  const status = values.get('ExecMainStatus') ?? '';
  return values.get('SubState') === 'exited' && /^\d{1,3}$/.test(status) ? Number(status) : null;
}

/** `key=value` lines. */
export function valuesOf(lines: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf('=');
      return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}

/** Before its messages. */
const SAID = 'nixfleet-root: ';

function problemOf(run: RunEnd): string {
  if (run.end.kind === 'not-started') return run.end.problem;
  if (run.end.kind === 'timed-out') return 'nixfleet-root did not answer in time';
  // Programs that it runs print their errors before it.
  const said = run.stderr.findLast((line) => line.startsWith(SAID))?.slice(SAID.length);
  return said ?? run.cause?.text ?? 'nixfleet-root failed without a message';
}
