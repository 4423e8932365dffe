/** Words and colours for the states of commands, used by all pages. */
import type { CommandOutcome, CommandPhase } from '@/lib/protocol/command-phases';
import type { CommandView } from '@/lib/protocol/live/views/command-view';

export interface CommandWord {
  word: string;
  /** `back`: the host went back to the previous system. */
  tone: 'ok' | 'warn' | 'bad' | 'back' | 'busy' | 'idle';
}

const PHASES: Record<Exclude<CommandPhase, 'ended'>, CommandWord> = {
  queued: { word: 'Queued', tone: 'idle' },
  sent: { word: 'Sent', tone: 'busy' },
  running: { word: 'Running', tone: 'busy' },
  warning: { word: 'Overdue', tone: 'warn' },
  stopping: { word: 'Stopping', tone: 'busy' },
  confirming: { word: 'Confirming', tone: 'busy' },
  'awaiting-reconnect': { word: 'Waiting for the agent', tone: 'busy' },
  verifying: { word: 'Verifying', tone: 'busy' },
};

const OUTCOMES: Record<CommandOutcome, CommandWord> = {
  succeeded: { word: 'Succeeded', tone: 'ok' },
  unchanged: { word: 'Nothing to do', tone: 'ok' },
  partial: { word: 'Partly done', tone: 'warn' },
  failed: { word: 'Failed', tone: 'bad' },
  'rolled-back': { word: 'Rolled back', tone: 'back' },
  refused: { word: 'Refused', tone: 'bad' },
  stopped: { word: 'Stopped', tone: 'idle' },
  'timed-out': { word: 'Timed out', tone: 'bad' },
  rejected: { word: 'Rejected', tone: 'bad' },
  cancelled: { word: 'Cancelled', tone: 'idle' },
  expired: { word: 'Expired', tone: 'idle' },
  superseded: { word: 'Superseded', tone: 'idle' },
  skipped: { word: 'Skipped', tone: 'idle' },
  lost: { word: 'Lost', tone: 'warn' },
};

export function commandWord(command: Pick<CommandView, 'phase' | 'outcome'>): CommandWord {
  if (command.phase !== 'ended') return PHASES[command.phase];
  return command.outcome ? OUTCOMES[command.outcome] : { word: 'Ended', tone: 'idle' };
}

/** True when the command did everything that was requested. */
export function isSuccess(command: Pick<CommandView, 'outcome'>): boolean {
  return command.outcome === 'succeeded' || command.outcome === 'unchanged';
}
