/** The states of a command, as they are stored. Every state but `ended` has a deadline: nothing waits for ever. */
import { z } from 'zod';
import { COMMAND_OUTCOMES } from '@/lib/protocol/live';

const time = z.number();
const progress = z.object({ label: z.string(), current: z.number(), total: z.number() }).nullable();

/** The host's facts when the command was sent, to compare with afterwards. */
const before = z.object({ generation: z.string(), storePath: z.string(), binaryHash: z.string() });

/** What the agent's status frame said. */
const result = z.object({
  status: z.enum(['ok', 'error', 'stopped', 'warning']),
  exitCode: z.number().nullable(),
  message: z.string(),
  /** Whether the agent ends and comes back after this; null when it does not say (protocol 2: it does after a switch). */
  restarting: z.boolean().nullable(),
});

const wired = {
  sentAt: time,
  before,
  /** At this time `tick` moves the command on. */
  deadline: time,
  /** When the whole command ends as timed out. */
  hardDeadline: time,
  /** The agent gave a sign of it: before, it may never have got there. What was stored without this may have had one. */
  heard: z.boolean().default(true),
};

export const commandStateSchema = z.discriminatedUnion('phase', [
  /** Stored, never on the wire. */
  z.object({ phase: z.literal('queued'), deadline: time }),
  /** Perhaps on the wire; nothing heard yet. `quiet`: heartbeats since then that do not show it. */
  z.object({ phase: z.literal('sent'), ...wired, quiet: z.number() }),
  /** The agent gave a sign of it. `quiet` as above. */
  z.object({ phase: z.literal('running'), ...wired, quiet: z.number(), progress }),
  /** It takes longer than it should: the operator may extend, stop or kill. */
  z.object({ phase: z.literal('warning'), ...wired, quiet: z.number(), progress, why: z.string() }),
  /** The operator asked for its end. */
  z.object({
    phase: z.literal('stopping'),
    ...wired,
    how: z.enum(['stop', 'kill', 'restart', 'reboot']),
    quiet: z.number(),
    disconnected: z.boolean(),
    progress,
  }),
  /** The agent is gone, as expected or not; it has to come back before anything can be said. */
  z.object({
    phase: z.literal('awaiting-reconnect'),
    ...wired,
    result: result.nullable(),
    /** The link was seen to close since the command was sent. */
    disconnected: z.boolean(),
    progress,
  }),
  /** What was said is compared with the facts of a later heartbeat. */
  z.object({
    phase: z.literal('verifying'),
    ...wired,
    result: result.nullable(),
    /**
     * `heartbeat`: wait for one that no longer shows the command; `evidence`: wait what the returned agent says;
     * `announced`: the returned agent has the result and gives it after the output that goes before; `probe`:
     * refresh-system was asked.
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
  }),
]);

export type CommandState = z.infer<typeof commandStateSchema>;
export type LiveCommandState = Exclude<CommandState, { phase: 'ended' | 'queued' }>;
export type CommandResult = z.infer<typeof result>;
export type Before = z.infer<typeof before>;
