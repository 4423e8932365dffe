const BYTES = 16;

/**
 * A new request id: made once for each click, so that a repeated request makes no second command. `randomUUID` is
 * missing where a dashboard is reached by plain http in a local network, so it is made of random bytes.
 */
export function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
