/** The states of a command, as they are stored. Every state but `ended` has a deadline: nothing waits for ever. */
import { z } from 'zod';
import {
  CHECK_KINDS,
  CHECK_STATUSES,
  CONFIRMATION_STAGES,
  ROLLED_BACK_REASONS,
} from '@/lib/protocol/agent/confirmation';
import { REFUSED_REASONS } from '@/lib/protocol/agent/host-policy';
import { MAX_CHECKS } from '@/lib/protocol/agent/frame-limits';
import { COMMAND_OUTCOMES } from '@/lib/protocol/command-phases';

const time = z.number();
const progress = z.object({ label: z.string(), current: z.number(), total: z.number() }).nullable();

/** The host's facts when the command was sent, to compare with afterwards. */
const before = z.object({
  generation: z.string(),
  storePath: z.string(),
  binaryHash: z.string(),
  /** The agent had the capability `activation`. Absent in records of earlier versions. */
  activates: z.boolean().optional(),
});

/** The result in the agent's status frame. */
const result = z.object({
  status: z.enum(['ok', 'error', 'stopped', 'warning']),
  exitCode: z.number().nullable(),
  message: z.string(),
  /** Whether the agent restarts after this; null if it does not say (protocol 2: it restarts after a switch). */
  restarting: z.boolean().nullable(),
  /** The agent stopped the command, but a part of it may go on. Absent in records of earlier versions. */
  mayContinue: z.boolean().optional(),
  /** With `error`: why the host went back to the previous system. Absent unless it did. */
  rolledBack: z.enum(ROLLED_BACK_REASONS).optional(),
  /** With `error`: which rule of the host's policy refused it. Absent unless one did. */
  refused: z.enum(REFUSED_REASONS).optional(),
});

const check = z.object({
  name: z.string(),
  kind: z.enum(CHECK_KINDS),
  status: z.enum(CHECK_STATUSES),
  before: z.enum(CHECK_STATUSES),
  enforced: z.boolean(),
  reason: z.string(),
  tookMs: z.number().nullable(),
});

/** The last report of a confirmed switch, and its answer. */
const confirmation = z.object({
  stage: z.enum(CONFIRMATION_STAGES),
  /** When the host goes back by itself, by the dashboard's clock; null without an armed timer. */
  endsAt: time.nullable(),
  /** A connection that was made after the activation has reported. */
  reached: z.boolean(),
  /** The connection that was the last to report `activating`: it is older than the end of the activation. */
  activatedOn: z.string(),
  /** The connection of the last report. */
  reportedOn: z.string(),
  system: z.string(),
  previous: z.string(),
  checks: z.array(check).max(MAX_CHECKS),
  reason: z.string(),
  /** Repeated until the agent acts on it. `by`: the operator; empty when the dashboard answered by itself. */
  answer: z.object({ keep: z.boolean(), byOperator: z.boolean(), by: z.string() }).nullable(),
});

const sentFields = {
  sentAt: time,
  before,
  /** At this time `tick` moves the command on. */
  deadline: time,
  /** When the whole command ends as timed out. */
  hardDeadline: time,
  /** The agent has shown the command; until then it may never have arrived. Records stored without this may have been shown. */
  heard: z.boolean().default(true),
  /** The agent reported success of an operation that ends with a reconnect: the host has begun to carry it out. */
  accepted: z.boolean().default(false),
  /** The connection that it was sent on. Absent in records of earlier versions and for version-1 agents. */
  sentOn: z.string().optional(),
  /** It was sent as a confirmed switch: the seconds that the host waits for its confirmation. */
  confirmS: z.number().optional(),
  /** Once the agent has reported on the confirmation. */
  confirmation: confirmation.optional(),
};

export const commandStateSchema = z.discriminatedUnion('phase', [
  /** Stored, never on the wire. */
  z.object({
    phase: z.literal('queued'),
    deadline: time,
    /** It is to be sent as a confirmed switch, with this window in seconds, if its agent can do that then. */
    confirmS: z.number().optional(),
  }),
  /** Sent, but the agent has not shown it yet. `quiet`: heartbeats since then that do not show it. */
  z.object({ phase: z.literal('sent'), ...sentFields, quiet: z.number() }),
  /** The agent has shown it. `quiet` as above. */
  z.object({ phase: z.literal('running'), ...sentFields, quiet: z.number(), progress }),
  /** It takes longer than it should: the operator may extend, stop or kill. */
  z.object({ phase: z.literal('warning'), ...sentFields, quiet: z.number(), progress, why: z.string() }),
  /** The operator asked to stop it. */
  z.object({
    phase: z.literal('stopping'),
    ...sentFields,
    how: z.enum(['stop', 'kill', 'restart', 'reboot']),
    quiet: z.number(),
    disconnected: z.boolean(),
    progress,
  }),
  /**
   * The host tries a new system and waits for the answer that keeps it. Its agent restarts meanwhile, so that losing the
   * connection means nothing.
   */
  z.object({
    phase: z.literal('confirming'),
    ...sentFields,
    confirmation,
    quiet: z.number(),
    disconnected: z.boolean(),
  }),
  /** The agent disconnected, as expected or not; it has to come back before the command can be judged. */
  z.object({
    phase: z.literal('awaiting-reconnect'),
    ...sentFields,
    result: result.nullable(),
    /** The link was seen to close since the command was sent. */
    disconnected: z.boolean(),
    progress,
  }),
  /** The result is verified against the facts of a later heartbeat. */
  z.object({
    phase: z.literal('verifying'),
    ...sentFields,
    result: result.nullable(),
    /**
     * `heartbeat`: waits for one that no longer shows the command; `evidence`: waits for what the returned agent reports;
     * `announced`: the returned agent has the result and sends it after the remaining output; `probe`: refresh-system was
     * sent.
     */
    need: z.enum(['heartbeat', 'evidence', 'announced', 'probe']),
    quiet: z.number(),
    progress,
  }),
  z.object({
    phase: z.literal('ended'),
    at: time,
    outcome: z.enum(COMMAND_OUTCOMES),
    exitCode: z.number().nullable(),
    reason: z.string(),
    /** A result had arrived although the outcome does not say so: a later one changes nothing. */
    hasResult: z.literal(true).optional(),
    /** The last report of a confirmed switch. */
    confirmation: confirmation.optional(),
  }),
]);

export type CommandState = z.infer<typeof commandStateSchema>;
export type LiveCommandState = Exclude<CommandState, { phase: 'ended' | 'queued' }>;
export type CommandResult = z.infer<typeof result>;
export type Before = z.infer<typeof before>;
export type Confirmation = z.infer<typeof confirmation>;
