/**
 * A confirmed switch: the agent activates a system without making it the boot default, and a timer of the host goes
 * back unless the dashboard says on a new connection that the host was reached and its checks pass (docs/protocol.md).
 */
import { z } from 'zod';
import { boundedArray } from '../bounded';
import { commandId, count, text } from './fields';
import { MAX_CHECKS } from './frame-limits';

/**
 * `activating`: the timer is armed, and the activation runs. `waiting`: it has ended, and the agent waits for checks and
 * for the dashboard's answer. `keeping`: the timer is disarmed, and the system becomes the boot default.
 * `going-back`: the previous system is activated again.
 */
export const CONFIRMATION_STAGES = ['activating', 'waiting', 'keeping', 'going-back'] as const;
export type ConfirmationStage = (typeof CONFIRMATION_STAGES)[number];

/** `units`: units that failed since the switch. `tests`: the test scripts of the configuration repository. */
export const CHECK_KINDS = ['units', 'http', 'tcp', 'command', 'tests'] as const;
export type CheckKind = (typeof CHECK_KINDS)[number];
export const CHECK_STATUSES = ['pending', 'passed', 'failed', 'unknown'] as const;
export type CheckStatus = (typeof CHECK_STATUSES)[number];

/** Why a host went back. A released one never changes its meaning. */
export const ROLLED_BACK_REASONS = [
  /** No dashboard confirmed in time. */
  'no-contact',
  'check-failed',
  /** The activation failed or was killed half-way. */
  'activation-failed',
  'activation-hung',
  /** The agent of the new system did not come back. */
  'agent-missing',
  /** The host restarted before the confirmation. */
  'restarted',
  'operator',
] as const;
export type RolledBackReason = (typeof ROLLED_BACK_REASONS)[number];

const checkSchema = z.object({
  name: text(64),
  // What a newer agent may name must not cost the frame.
  kind: z.enum(CHECK_KINDS).catch('command'),
  status: z.enum(CHECK_STATUSES).catch('unknown'),
  /** Before the switch. */
  before: z.enum(CHECK_STATUSES).catch('unknown'),
  /** A failure takes the switch back; else it is only shown. */
  enforced: z.boolean(),
  /** Why it failed, or what it found. */
  reason: text(512),
  /** How long its last run took, in milliseconds. */
  took_ms: count.nullish().transform((value) => value ?? null),
});

/** What the agent reports of a confirmed switch, whenever it changes and on each new connection. */
export const confirmationSchema = z.object({
  command_id: commandId,
  stage: z.enum(CONFIRMATION_STAGES),
  /** Until the host goes back by itself; null without an armed timer, and when it goes back. */
  seconds_left: count.nullish().transform((value) => value ?? null),
  /** Store paths of the system that is being tried and of the one to go back to. */
  system: text(256),
  previous: text(256),
  checks: boundedArray(checkSchema, { max: MAX_CHECKS }),
  /** Why it goes back, as a clause; empty unless it does. */
  reason: text(512),
});
export type ConfirmationReport = z.output<typeof confirmationSchema>;
export type CheckReport = ConfirmationReport['checks'][number];
