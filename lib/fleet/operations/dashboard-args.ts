/** What the dashboard does itself: what each operation is given, and who does the part that lies outside of the fleet. */
import { z } from 'zod';
import type { OperationId } from '@/lib/protocol/live';
import type { Blocked } from '../records/blocked';

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
