/** The states of a command, as they are stored. Every state but `ended` has a deadline: nothing waits for ever. */
import { z } from 'zod';
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
};

export const commandStateSchema = z.discriminatedUnion('phase', [
  /** Stored, never on the wire. */
  z.object({ phase: z.literal('queued'), deadline: time }),
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
  }),
]);

export type CommandState = z.infer<typeof commandStateSchema>;
export type LiveCommandState = Exclude<CommandState, { phase: 'ended' | 'queued' }>;
export type CommandResult = z.infer<typeof result>;
export type Before = z.infer<typeof before>;
