/** Ends of a command. Every end has a reason that a person can read. */
export const COMMAND_OUTCOMES = [
  'succeeded',
  'unchanged',
  'partial',
  'failed',
  'stopped',
  'timed-out',
  'rejected',
  'cancelled',
  'expired',
  'superseded',
  'skipped',
  'lost',
] as const;
export type CommandOutcome = (typeof COMMAND_OUTCOMES)[number];

export const COMMAND_PHASES = [
  'queued',
  'sent',
  'running',
  'warning',
  'stopping',
  'awaiting-reconnect',
  'verifying',
  'ended',
] as const;
export type CommandPhase = (typeof COMMAND_PHASES)[number];
