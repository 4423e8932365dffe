/** Reads what the dashboard sends over `/live`. */
import type { LiveServerMessage } from '@/lib/protocol/live/to-browser';

/** Every message begins with its type. */
export const CHANGES_START = '{"t":"changes"';

const KNOWN_TYPES = new Set<string>([
  'hello',
  'snapshot',
  'changes',
  'output',
  'no-output',
  'pong',
  'beat',
  'goodbye',
] satisfies LiveServerMessage['t'][]);

/**
 * A message from the dashboard that served this page. It is type-checked where it is sent, so only its type is checked
 * here; null for unknown types, which a newer dashboard may send.
 */
export function parseServerMessage(data: string): LiveServerMessage | null {
  try {
    const message: unknown = JSON.parse(data);
    if (typeof message !== 'object' || message === null || !('t' in message)) return null;
    return typeof message.t === 'string' && KNOWN_TYPES.has(message.t) ? (message as LiveServerMessage) : null;
  } catch {
    return null;
  }
}
