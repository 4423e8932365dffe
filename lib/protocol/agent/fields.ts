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
export const commandId = z.string().regex(/^[0-9A-Za-z-]{1,64}$/);

/** `stderr`, or `stdout` for anything else. */
export const outputStream = z
  .string()
  .nullish()
  .transform((value): OutputStream => (value === 'stderr' ? 'stderr' : 'stdout'));
