/** Addresses of clients as limits and events use them. */
export { limitKey } from '@/lib/limits/address-key';

/**
 * The client's address of a request that went through `server.ts`, which wrote the one right value into
 * X-Forwarded-For: whatever the client sent there is gone.
 */
export function forwardedAddress(header: string | null | undefined): string {
  return header?.trim() || 'unknown';
}
