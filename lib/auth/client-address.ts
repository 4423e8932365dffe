/** Client addresses for limits and events. */
export { limitKey } from '@/lib/limits/address-key';

/**
 * The client's address of a request that went through `server.ts`, which replaced X-Forwarded-For with the verified
 * address.
 */
export function forwardedAddress(header: string | null | undefined): string {
  return header?.trim() || 'unknown';
}
