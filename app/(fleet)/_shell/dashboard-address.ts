/**
 * The address that this dashboard was asked for, for pages to show where none is configured. Only shown, never
 * trusted: both headers are the client's word.
 */
export function dashboardAddress(headers: Pick<Headers, 'get'>): string {
  const protocol = headers.get('x-forwarded-proto')?.split(',')[0]?.trim();
  const secure = protocol === 'https' || protocol === 'wss';
  return `${secure ? 'https' : 'http'}://${headers.get('host') ?? 'localhost:8000'}`;
}

/** Where agents connect: the same address as a socket's, with the path that they dial. */
export function agentUrl(address: string): string {
  return `${address.replace(/\/+$/, '').replace(/^http/, 'ws')}/ws`;
}
