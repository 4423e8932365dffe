/** The kinds of fields that several frames have. */
import { z } from 'zod';
import { MAX_TEXT, plainText } from '@/lib/text/plain-text';
import type { OutputStream } from '../output-stream';

/** A text field: absent, null and empty are one thing (''), and what is there is made harmless. */
export const text = (max: number = MAX_TEXT) =>
  z
    .string()
    .nullish()
    .transform((value) => plainText(value ?? '', max))
    // For the hash of the schemas: a transform shows nothing of itself.
    .meta({ cutAt: max });

export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const commandId = z.string().regex(/^[0-9A-Za-z-]{1,64}$/);

/** `stderr`, or `stdout` for anything else. */
export const outputStream = z
  .string()
  .nullish()
  .transform((value): OutputStream => (value === 'stderr' ? 'stderr' : 'stdout'));
