/** The parser of what a browser sends over `/live`. Apart from the views, so that no page loads a schema library. */
import { z } from 'zod';
import type { LiveClientMessage } from './live';

export const liveClientSchema: z.ZodType<LiveClientMessage> = z.discriminatedUnion('t', [
  z.object({
    t: z.literal('hello'),
    epoch: z.string().max(64).optional(),
    version: z.number().int().min(0).optional(),
  }),
  z.object({ t: z.literal('resync') }),
  z.object({ t: z.literal('watch'), commandId: z.string().max(64), after: z.number().int().min(0) }),
  z.object({ t: z.literal('unwatch'), commandId: z.string().max(64) }),
  z.object({ t: z.literal('ping') }),
]);
