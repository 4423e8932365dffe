/** What the dashboard does itself: what each operation is given, and who does the part that lies outside of the fleet. */
import { z } from 'zod';
import type { CommandOutcome, OperationId } from '@/lib/protocol/live';
import type { Blocked } from './operations';
import type { Requester } from './ports';

/** What an operation of the dashboard's own came to. */
export interface OwnEnd {
  outcome: Extract<CommandOutcome, 'succeeded' | 'unchanged' | 'partial' | 'failed'>;
  /** A sentence for the operator. */
  reason: string;
}

/** One such operation on one host, as it is handed to who does it. */
export interface OwnTask {
  commandId: string;
  host: { id: string; name: string };
  args: Readonly<Record<string, unknown>>;
  by: Requester;
  /** Writes a line into the output of the command. */
  note(text: string): void;
  /** Aborted when the operation has run out of its time, or the dashboard stops. */
  signal: AbortSignal;
}

/**
 * Does the part of an operation that lies outside of the fleet, e.g. writes a colour back into the configuration
 * repository. It begins after the fleet's own part was stored. What it rejects with ends the command as failed.
 */
export type OwnExecutor = (task: OwnTask) => Promise<OwnEnd>;

/** By operation. Without one there is nothing to do outside. Read at each use, so that one can be put in later. */
export type OwnExecutors = Partial<Record<OperationId, OwnExecutor>>;

const colorSchema = z
  .string()
  .regex(/^#[0-9a-f]{6}$/i)
  .transform((color) => color.toLowerCase());

/** `color` null leaves the colour to the agent again. */
const setColorSchema = z.strictObject({ color: colorSchema.nullable() });
const noArgsSchema = z.strictObject({});

const ARGS: Partial<Record<OperationId, { schema: z.ZodType<Record<string, unknown>>; wanted: string }>> = {
  'set-color': { schema: setColorSchema, wanted: 'a colour like #7aa2f7' },
};

/** Checks what an operation is given. The sentence says what it needs. */
export function parseArgs(
  operation: OperationId,
  args: Readonly<Record<string, unknown>> | undefined,
): { args: Record<string, unknown> | null } | { blocked: Blocked } {
  const { schema, wanted } = ARGS[operation] ?? { schema: noArgsSchema, wanted: 'nothing' };
  const parsed = schema.safeParse(args ?? {});
  if (!parsed.success) {
    const reason = `What was given does not fit: it needs ${wanted}.`;
    return { blocked: { code: 'bad-args', reason, unblock: null, forceable: false } };
  }
  return { args: Object.keys(parsed.data).length === 0 ? null : parsed.data };
}

/** The colour that a set-color was given; null to leave it to the agent. */
export function colorOf(args: Readonly<Record<string, unknown>> | null): string | null {
  return setColorSchema.parse(args).color;
}
