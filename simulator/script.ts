/** What an agent does for each command, as steps (docs/protocol.md). Pure. */
import type { CommandBehaviour } from './behaviour';
import type { OutputStream } from '@/lib/protocol/output-stream';
import type { WireCommand } from '@/lib/protocol/agent/wire-commands';

export type Phase = 'pull' | 'system' | 'tests';
export type ReportedCompartment = 'lock' | 'system' | 'tests';

export type ScriptStep =
  | { do: 'progress'; phase: Phase; status: 'in_progress' | 'complete' | 'error' }
  | { do: 'say'; lines: readonly string[]; stream: OutputStream }
  /** Prints a share of the behaviour's lines over the same share of its duration. */
  | { do: 'work'; share: number }
  /** The clone moves to another commit. */
  | { do: 'pull' }
  /** The host tries the new system: the script ends where it goes back. */
  | { do: 'trial'; windowS: number }
  /** Another agent binary is installed, which the next process runs. */
  | { do: 'install' }
  | { do: 'report'; compartment: ReportedCompartment; status: string; message: string }
  | { do: 'status'; status: 'ok' | 'error' | 'warning'; exitCode: number; message: string; restarting: boolean }
  /** The heartbeat after a status that still shows the command (protocol 2). */
  | { do: 'heartbeat' }
  | { do: 'exit'; how: 'planned' | 'switched' | 'crash' }
  | { do: 'hang' };

export type RunCommand = Exclude<WireCommand, 'stop' | 'restart' | 'reboot'>;

export interface ScriptHost {
  hostType: 'nixos' | 'macos';
  /** What `refresh-lock` and `refresh-system` report. */
  lock: string;
  system: string;
  version: string;
}

interface CommandScript {
  phases: readonly Phase[];
  before: readonly string[];
  ok: readonly ScriptStep[];
  failed: readonly ScriptStep[];
  okMessage: string;
  failedMessage: string;
  /** The exit code of a failure, if it is not the child's. */
  failedExitCode: number | null;
  /** Protocol 2: a heartbeat follows the status. */
  beats: boolean;
  restarts: boolean;
}

const say = (...lines: string[]): ScriptStep => ({ do: 'say', lines, stream: 'stdout' });
const report = (compartment: ReportedCompartment, status: string, message: string): ScriptStep => ({
  do: 'report',
  compartment,
  status,
  message,
});

const PLAIN: CommandScript = {
  phases: [],
  before: [],
  ok: [],
  failed: [],
  okMessage: '',
  failedMessage: 'command failed',
  failedExitCode: null,
  beats: true,
  restarts: false,
};

const SWITCHED: readonly ScriptStep[] = [
  report('system', 'ok', 'Switch successful (exit 0)'),
  report('tests', 'outdated', 'Tests not run'),
  say(
    '',
    '📊 Post-validation...',
    '🟢 Lock: Updated today',
    '',
    '✅ Switch completed successfully',
    '🟢 System: Current (inferred from exit 0)',
    '🟡 Tests: Outdated (run tests)',
  ),
];

function commandScriptOf(command: RunCommand, host: ScriptHost): CommandScript {
  const pulled: readonly ScriptStep[] = [{ do: 'pull' }, report('lock', 'ok', 'Updated today')];
  const switchFailed: readonly ScriptStep[] = [report('system', 'error', 'Switch failed')];
  const restarts = host.hostType === 'nixos';
  switch (command) {
    case 'pull':
      return {
        ...PLAIN,
        phases: ['pull'],
        ok: pulled,
        failedMessage: 'exit status 128',
        failedExitCode: 1,
        beats: false,
      };
    case 'switch':
      return { ...PLAIN, phases: ['system'], ok: SWITCHED, failed: switchFailed, restarts };
    case 'pull-switch':
      return { ...PLAIN, phases: ['pull', 'system'], ok: [...pulled, ...SWITCHED], failed: switchFailed, restarts };
    case 'test':
      return {
        ...PLAIN,
        phases: ['tests'],
        ok: [report('tests', 'ok', 'All tests passed')],
        failed: [report('tests', 'error', 'Tests failed')],
      };
    case 'rollback':
      return {
        ...PLAIN,
        before: ['🔄 Rolling back to previous generation...'],
        ok: [report('system', 'outdated', 'Rolled back')],
      };
    case 'update':
      return { ...PLAIN, ok: [report('lock', 'ok', 'Updated today')] };
    case 'refresh-git':
      return { ...PLAIN, before: ['Git status is checked by dashboard (GitHub API)'], beats: false };
    case 'refresh-lock':
      return {
        ...PLAIN,
        before: ['Checking flake.lock...'],
        ok: [report('lock', host.lock, 'Checked'), say(`✓ Lock status: ${host.lock}`)],
        okMessage: host.lock,
        beats: false,
      };
    case 'refresh-system':
      return {
        ...PLAIN,
        before: ['Checking system...'],
        ok: [report('system', host.system, 'Checked'), say(`✓ System status: ${host.system}`)],
        okMessage: host.system,
        beats: false,
      };
    case 'refresh-all':
      return {
        ...PLAIN,
        before: ['Refreshing all...'],
        ok: [report('lock', host.lock, 'Checked'), say(`✓ Lock: ${host.lock}`, '✓ All refreshed')],
        okMessage: 'all refreshed',
        beats: false,
      };
    case 'force-update':
      return {
        ...PLAIN,
        before: ['═══ FORCE UPDATE ═══', 'Step 1/4: git pull'],
        ok: [say('✓ Step 4/4: rebuild')],
        okMessage: 'force update complete',
        failedMessage: 'rebuild failed',
        failedExitCode: 1,
        beats: false,
      };
    case 'boot':
      return { ...PLAIN, phases: ['system'], ok: [report('system', 'outdated', 'Takes effect at the next boot')] };
    case 'switch-generation':
      return { ...PLAIN, ok: [report('system', 'outdated', 'Switched to another generation')] };
    case 'check-version':
      return {
        ...PLAIN,
        before: ['Checking agent version...', `Running: ${host.version}`, `Installed: ${host.version}`, '', '✓ Equal'],
        okMessage: `running=${host.version} installed=${host.version}`,
        beats: false,
      };
  }
}

/** The steps of a command, from the first output to the last frame. */
export function stepsOf(
  command: RunCommand,
  behaviour: CommandBehaviour,
  host: ScriptHost,
  /** Of a confirmed switch: its window in seconds. */
  windowS: number | null = null,
): ScriptStep[] {
  const plan = commandScriptOf(command, host);
  const { ending } = behaviour;
  const steps: ScriptStep[] = [];
  if (plan.before.length > 0) steps.push(say(...plan.before));

  const first = plan.phases.slice(0, -1);
  const last = plan.phases.at(-1);
  const share = plan.phases.length === 0 ? 1 : 1 / plan.phases.length;
  for (const phase of first) {
    steps.push(progress(phase, 'in_progress'), { do: 'work', share }, progress(phase, 'complete'));
  }
  if (last) steps.push(progress(last, 'in_progress'));

  if (ending === 'crashes' || ending === 'killed-by-switch' || ending === 'hangs') {
    steps.push({ do: 'work', share: share / 2 });
    if (ending === 'hangs') steps.push({ do: 'hang' });
    if (ending === 'killed-by-switch') steps.push({ do: 'install' });
    if (ending !== 'hangs') steps.push({ do: 'exit', how: ending === 'crashes' ? 'crash' : 'planned' });
    return steps;
  }

  const failed = ending === 'fails';
  steps.push({ do: 'work', share });
  if (windowS !== null && !failed) steps.push({ do: 'trial', windowS });
  if (last) steps.push(progress(last, failed ? 'error' : 'complete'));
  steps.push(...(failed ? plan.failed : plan.ok));
  if (ending === 'silent') return steps;

  // The agent of a confirmed switch has restarted during the trial.
  const restarting = plan.restarts && !failed && windowS === null;
  const status: ScriptStep = failed
    ? {
        do: 'status',
        status: 'error',
        exitCode: plan.failedExitCode ?? behaviour.exitCode,
        message: plan.failedMessage,
        restarting,
      }
    : { do: 'status', status: 'ok', exitCode: 0, message: plan.okMessage, restarting };
  steps.push(status);
  if (ending === 'status-twice') steps.push(status);
  if (ending === 'late-output') steps.push(say('a line that comes late', 'and one more'));
  if (plan.beats) steps.push({ do: 'heartbeat' });
  if (restarting) steps.push({ do: 'exit', how: 'switched' });
  return steps;
}

const progress = (phase: Phase, status: 'in_progress' | 'complete' | 'error'): ScriptStep => ({
  do: 'progress',
  phase,
  status,
});

/** How many parts a phase has, as the agents report it. */
export const PHASE_TOTALS: Readonly<Record<Phase, number>> = { pull: 4, system: 3, tests: 8 };
