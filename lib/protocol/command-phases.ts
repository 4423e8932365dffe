/** How a command ended. The command's `reason` explains it to a person. */
export const COMMAND_OUTCOMES = [
  'succeeded',
  'unchanged',
  'partial',
  'failed',
  /** A confirmed switch: the host went back to the previous system. */
  'rolled-back',
  /** The policy of the host does not accept it. `rejected`: the agent was busy. */
  'refused',
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
  'confirming',
  'awaiting-reconnect',
  'verifying',
  'ended',
] as const;
export type CommandPhase = (typeof COMMAND_PHASES)[number];
