/**
 * The address of the request, for pages to show when none is configured. Display only: the client controls both
 * headers.
 */
import { withoutTrailingSlashes } from '@/lib/text/trailing-slashes';
export function dashboardAddress(headers: Pick<Headers, 'get'>): string {
  const protocol = headers.get('x-forwarded-proto')?.split(',')[0]?.trim();
  const secure = protocol === 'https' || protocol === 'wss';
  return `${secure ? 'https' : 'http'}://${headers.get('host') ?? 'localhost:8000'}`;
}

/** The WebSocket address to which agents connect. */
export function agentUrl(address: string): string {
  return `${withoutTrailingSlashes(address).replace(/^http/, 'ws')}/ws`;
}
