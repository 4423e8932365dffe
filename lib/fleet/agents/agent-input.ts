/** Which command an agent's frame is about, and the input it becomes. Pure. */
import { NIX_PHASE_LABELS } from '@/lib/text/nix-progress';
import { plainText } from '@/lib/text/plain-text';
import type { CommandInput, Shown } from '../commands/command-step';
import type { CommandResult } from '../records/command-state';
import type { CommandRecord } from '../records/command-record';
import { wireName } from '../operations/wire';
import type { ConfirmationReport as WireConfirmation } from '@/lib/protocol/agent/confirmation';
import type { AgentFrame } from '@/lib/protocol/agent/from-agent';
import type { Heartbeat } from '@/lib/protocol/agent/heartbeat';
import type { Register } from '@/lib/protocol/agent/register';
import type { StatusResult } from '@/lib/protocol/agent/status';
import type { CommandPhase } from '@/lib/protocol/command-phases';
import type { ProgressView } from '@/lib/protocol/live/views/command-view';

/** The commands of one host that have not ended. */
export interface LiveCommands {
  active: CommandRecord | null;
  control: CommandRecord | null;
}

/** What a heartbeat shows as running. Protocol 3 names the command by id, protocol 2 by its wire name. */
export function shownBy(beat: Heartbeat, command: CommandRecord): Shown {
  if (beat.pending_command === '') return 'none';
  if (beat.command_id !== null) return beat.command_id === command.id ? 'this' : 'other';
  return beat.pending_command === wireName(command) ? 'this' : 'other';
}

/** What a register shows as running; protocol 2 does not report it. */
export function shownByRegister(register: Register, command: CommandRecord): Shown {
  if (register.protocol < 3) return 'unknown';
  if (!register.running) return 'none';
  return register.running.command_id === command.id ? 'this' : 'other';
}

export interface Addressed {
  command: CommandRecord;
  input: CommandInput;
}

export function resultOf(status: StatusResult, protocol: 2 | 3): CommandResult {
  return {
    status: status.status,
    exitCode: status.exit_code,
    message: status.message,
    restarting: protocol === 3 ? status.restarting : null,
    ...(status.may_continue === true ? { mayContinue: true } : {}),
    ...(status.rolled_back === undefined ? {} : { rolledBack: status.rolled_back }),
    ...(status.refused === undefined ? {} : { refused: status.refused }),
  };
}

/** A timer of a host runs for at most this long, in seconds: an hour to confirm, and what an activation may take. */
const MAX_LEFT_S = 24 * 3_600;

/** What a report on a confirmed switch means at the time `now`. `on`: the connection that it came on. */
export function confirmationInput(frame: WireConfirmation, on: string, now: number): CommandInput {
  const { stage, system, previous, checks, reason, seconds_left: left } = frame;
  const report = {
    stage,
    system,
    previous,
    reason,
    checks: checks.map(({ took_ms: tookMs, ...check }) => ({ ...check, tookMs })),
  };
  return { type: 'confirmation', report, on, endsAt: left === null ? null : now + Math.min(left, MAX_LEFT_S) * 1_000 };
}

/**
 * The commands that a status frame without an id belongs to (protocol 2: matched by name). Empty when it belongs to no
 * running command: a second status, a late one, or one for a command that the dashboard did not send.
 */
export function addressStatus(status: StatusResult, commands: LiveCommands): Addressed[] {
  const { active, control } = commands;
  const result = resultOf(status, 2);
  if (status.status === 'stopped') {
    // The name is that of the stopped command; the stop itself gets no status.
    const inputs: Addressed[] = [];
    if (active && (status.command === '' || status.command === wireName(active))) {
      inputs.push({ command: active, input: { type: 'result', result } });
    }
    if (control?.operation === 'stop') {
      inputs.push({ command: control, input: { type: 'result', result: { ...result, status: 'ok', message: '' } } });
    }
    return inputs;
  }
  if (status.command === 'refresh-system' && active?.state.phase === 'verifying' && active.state.need === 'probe') {
    return [{ command: active, input: { type: 'probed', status: status.message } }];
  }
  if (control && status.command !== '' && status.command === wireName(control)) {
    const inputs: Addressed[] = [{ command: control, input: { type: 'result', result } }];
    if (control.operation === 'stop' && active?.state.phase === 'stopping') {
      inputs.push({ command: active, input: { type: 'stop-failed', reason: status.message } });
    }
    return inputs;
  }
  // Any field may be missing: a status without a name can only be that of the running command.
  if (active && (status.command === '' || status.command === wireName(active))) {
    return [{ command: active, input: { type: 'result', result } }];
  }
  return [];
}

/** In these phases a refusal can still be that of this command. */
const REFUSABLE: readonly CommandPhase[] = ['sent', 'running', 'warning', 'stopping'];

/**
 * The command that a refusal belongs to. Protocol 2 does not name it, but it can only be the active one: stop, restart
 * and reboot are never refused. The active one may look as if it ran because of the other command's output.
 */
export function addressRejection(
  rejected: Extract<AgentFrame, { type: 'command_rejected' }>['payload'],
  commands: LiveCommands,
): Addressed[] {
  const { active, control } = commands;
  const by = (id: string | null) => [active, control].find((command) => command && command.id === id) ?? null;
  const command =
    rejected.command_id === null
      ? active && REFUSABLE.includes(active.state.phase)
        ? active
        : null
      : by(rejected.command_id);
  if (!command) return [];
  const isThis =
    rejected.current_command_id !== null
      ? rejected.current_command_id === command.id
      : rejected.command_id === null &&
        rejected.current_command !== '' &&
        rejected.current_command === wireName(command);
  const running = rejected.current_command === '' ? '' : ` (it is running "${rejected.current_command}")`;
  const reason = `The agent refused it: ${rejected.reason || 'no reason given'}${running}.`;
  return [{ command, input: { type: 'rejected', isThis, reason } }];
}

// A map, not an object: the names come from the wire, and one may be `constructor`.
const PHASE_LABELS: ReadonlyMap<string, string> = new Map([
  ['pull', 'Pulling'],
  ...Object.entries(NIX_PHASE_LABELS),
  ['lock', 'Checking lock'],
  ['system', 'Switching'],
  ['tests', 'Testing'],
]);

/** The phase in progress of a progress frame; null when it names none. */
export function progressView(
  frame: Extract<AgentFrame, { type: 'operation_progress' }>['payload'],
): ProgressView | null {
  const phases = Object.entries(frame.progress).filter(([, phase]) => phase !== null);
  const entry = phases.find(([, phase]) => phase?.status === 'in_progress') ?? phases[phases.length - 1];
  if (!entry?.[1]) return null;
  const [name, { current, total }] = entry;
  return { label: PHASE_LABELS.get(name) ?? plainText(name, 32), current: Math.min(current, total), total };
}
