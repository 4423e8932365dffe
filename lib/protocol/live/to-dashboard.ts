/** The parser of what a browser sends over `/live`. Apart from the views, so that no page loads a schema library. */
import { z } from 'zod';

/** What a browser sends. */
export type LiveClientMessage =
  /** First message: what the page was painted with, if anything; the server answers with what is missing. */
  | { t: 'hello'; epoch?: string; version?: number }
  /** After a gap: send everything again. */
  | { t: 'resync' }
  /** Follow the output of a command, from the line after `after`. */
  | { t: 'watch'; commandId: string; after: number }
  | { t: 'unwatch'; commandId: string }
  | { t: 'ping' };

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
