/** The welcome text printed at start. */
import type { AddressInfo } from 'node:net';

interface Listening {
  baseUrl: string | null;
  demo: boolean;
}

/** The lines to print: the dashboard's address, and, until a password is set, the link to set one. */
export function welcome(config: Listening, address: AddressInfo | string | null, setupCode: string | null): string[] {
  const base = config.baseUrl?.replace(/\/$/, '') ?? localAddress(address);
  const lines = ['', `  NixFleet is ready at ${base}`];
  if (setupCode !== null) {
    lines.push('', '  No password is set yet. Set it here (the link works once and expires at the next start):');
    lines.push(`  ${base}/setup?code=${setupCode}`);
  }
  return [...lines, ''];
}

function localAddress(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') return 'http://localhost';
  const anywhere = address.address === '::' || address.address === '0.0.0.0' || address.address === '127.0.0.1';
  const host = anywhere ? 'localhost' : address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
