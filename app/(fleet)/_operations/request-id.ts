const BYTES = 16;

/**
 * A new request id, one for each click, so that a repeated request creates no second command. Made of random bytes
 * because browsers offer `randomUUID` only over https and on localhost.
 */
export function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
