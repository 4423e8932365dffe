/** Kinds of fields that several frames share. */
import { z } from 'zod';
import { MAX_TEXT, plainText } from '@/lib/text/plain-text';
import type { OutputStream } from '../output-stream';

/** A text field. Absent, null and empty mean the same (''); longer texts are cut, and control characters are replaced. */
export const text = (max: number = MAX_TEXT) =>
  z
    .string()
    .nullish()
    .transform((value) => plainText(value ?? '', max))
    // For the hash in `revision.ts`: JSON Schema does not show what a transform does.
    .meta({ cutAt: max });

export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const COMMAND_ID = /^[0-9A-Za-z-]{1,64}$/;
export const commandId = z.string().regex(COMMAND_ID);

/**
 * A list of names, in the order of their first mention. Null when it is absent or not a list. A name that does not match
 * the pattern, a repeated one and one over the limit are left out: a list that is partly wrong must not cost the frame.
 */
export const nameList = ({ pattern, max }: { pattern: RegExp; max: number }) =>
  z
    .custom<readonly string[]>()
    .nullish()
    .transform((value: unknown): string[] | null => (Array.isArray(value) ? namesIn(value, pattern, max) : null))
    // For the hash in `revision.ts`, as above.
    .meta({ names: pattern.source, atMost: max });

function namesIn(values: readonly unknown[], pattern: RegExp, max: number): string[] {
  const names = new Set<string>();
  for (const value of values) {
    if (names.size === max) break;
    if (typeof value === 'string' && pattern.test(value)) names.add(value);
  }
  return [...names];
}

/** `stderr`, or `stdout` for anything else. */
export const outputStream = z
  .string()
  .nullish()
  .transform((value): OutputStream => (value === 'stderr' ? 'stderr' : 'stdout'));
