/** Requests that cost more to read than to send, and a client that sends them whatever is answered. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

export interface HostileRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  /** Null: pieces without end. */
  body: Buffer | null;
  /** Sent of the body; then the client waits. All of it unless given. */
  sends?: number;
}

/** Bodies of each kind, with the content type that they ask to be read by. Null is endless. */
export const HOSTILE_BODIES: Readonly<Record<string, { type: string; body: Buffer | null }>> = {
  large: { type: 'text/plain', body: Buffer.alloc(10 * 1024 * 1024, 'x') },
  'large JSON': { type: 'application/json', body: Buffer.alloc(9_900_000, '[') },
  'a large form': { type: 'application/x-www-form-urlencoded', body: Buffer.alloc(1_000_000, 'a=b&') },
  deep: { type: 'text/plain', body: Buffer.alloc(8_000, '[') },
  'very deep': { type: 'text/plain', body: Buffer.alloc(900_000, '[') },
  wide: { type: 'text/plain', body: Buffer.from(`[${'1,'.repeat(4_000)}1]`) },
  'very wide': { type: 'text/plain', body: Buffer.from(`[${'1,'.repeat(200_000)}1]`) },
  'a form of many fields': { type: 'application/x-www-form-urlencoded', body: Buffer.alloc(12_000, 'a=b&') },
  'parts without number': { type: 'multipart/form-data; boundary=x', body: parts(20_000) },
  'few parts': { type: 'multipart/form-data; boundary=x', body: parts(40) },
  'no JSON': { type: 'text/plain', body: Buffer.from('not JSON') },
  endless: { type: 'text/plain', body: null },
  'an endless form': { type: 'application/x-www-form-urlencoded', body: null },
};

function parts(count: number): Buffer {
  const part = (name: number) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n[]\r\n`;
  return Buffer.from(`${Array.from({ length: count }, (_, index) => part(index)).join('')}--x--\r\n`);
}

/**
 * Sends a request to its end, or until the server ends the connection. Gives the status of the answer; null when the
 * connection was reset before any came.
 */
export async function sendHostile(port: number, { method, path, headers, body, sends }: HostileRequest) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = new Promise<null>((resolve) => socket.once('close', () => resolve(null)));
  let received = '';
  socket.on('data', (data: Buffer) => (received += data.toString('latin1')));
  await Promise.race([once(socket, 'connect').catch(() => null), closed]);
  const length = body === null ? 'transfer-encoding: chunked' : `content-length: ${body.length}`;
  const lines = [`${method} ${path} HTTP/1.1`, 'host: localhost', 'connection: close', length];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (body === null) {
    const piece = `10000\r\n${'['.repeat(0x10000)}\r\n`;
    while (!socket.closed) {
      await Promise.race([new Promise<void>((resolve) => socket.write(piece, () => resolve())), closed]);
    }
  } else {
    socket.write(body.subarray(0, sends));
  }
  await closed;
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(received) ?? [];
  return status === undefined ? null : Number(status);
}

/** Resident memory of a process (bytes). */
export function residentBytes(pid: number): number {
  const [, pages = ''] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return Number(pages) * 4_096;
}
