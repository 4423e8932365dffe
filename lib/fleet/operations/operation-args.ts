/** The arguments of operations: their schemas, and how they are checked. */
import { z } from 'zod';
import type { Blocked } from '../records/blocked';
import { themeColorOf } from '@/lib/protocol/agent/theme-color';
import { generationNumber } from '@/lib/protocol/agent/system-generations';
import type { OperationId } from '@/lib/protocol/operation-ids';

const colorSchema = z.string().transform(themeColorOf).pipe(z.string());

/** `color` null: the agent sets the colour again. */
const setColorSchema = z.strictObject({ color: colorSchema.nullable() });
const switchGenerationSchema = z.strictObject({ generation: generationNumber });
const noArgsSchema = z.strictObject({});

const ARGS: Partial<Record<OperationId, { schema: z.ZodType<Record<string, unknown>>; expected: string }>> = {
  'set-color': { schema: setColorSchema, expected: 'a colour like #7aa2f7' },
  'switch-generation': { schema: switchGenerationSchema, expected: 'the number of a generation' },
};

/** Checks the arguments of an operation. On a mismatch, the reason says what is expected. */
export function parseArgs(
  operation: OperationId,
  args: Readonly<Record<string, unknown>> | undefined,
): { args: Record<string, unknown> | null } | { blocked: Blocked } {
  const { schema, expected } = ARGS[operation] ?? { schema: noArgsSchema, expected: 'no arguments' };
  const parsed = schema.safeParse(args ?? {});
  if (!parsed.success) {
    const reason = `Invalid arguments: expected ${expected}.`;
    return { blocked: { code: 'bad-args', reason, unblock: null, forceable: false } };
  }
  return { args: Object.keys(parsed.data).length === 0 ? null : parsed.data };
}

/** The colour in the arguments of a set-color; null lets the agent set it. */
export function colorOf(args: Readonly<Record<string, unknown>> | null): string | null {
  return setColorSchema.parse(args).color;
}
