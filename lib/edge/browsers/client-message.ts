/** Reads a browser's message. */
import { jsonExcess, type JsonLimits } from '@/lib/protocol/json-limits';
import { type LiveClientMessage, liveClientSchema } from '@/lib/protocol/live/from-browser';

/** The largest that a page sends is some 150 bytes in one level. */
export const MAX_MESSAGE_BYTES = 4 * 1024;
const MESSAGE_JSON_LIMITS: JsonLimits = { maxDepth: 4, maxValues: 64 };

/** The message, or null when it is not a valid one. */
export function parseClientMessage(bytes: Buffer): LiveClientMessage | null {
  if (jsonExcess(bytes, MESSAGE_JSON_LIMITS) !== null) return null;
  try {
    return liveClientSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}
