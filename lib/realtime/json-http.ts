/** JSON over HTTP for programs: what is read is bounded, and every answer is JSON, also a refusal. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export type JsonBody = { kind: 'body'; value: unknown } | { kind: 'too-large' } | { kind: 'unreadable' };

/** Sends one JSON value. `headers` come beside it. */
export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(text);
}

/** Refuses a request whose body was not read: the connection ends with the answer, whatever still comes. */
export function sendJsonAndClose(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  value: unknown,
): void {
  response.once('finish', () => request.destroy());
  sendJson(response, status, value, { connection: 'close' });
}

/** Reads a body of at most `maxBytes`. Rejects when the client goes away; how long it may take is the server's affair. */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<JsonBody> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return { kind: 'too-large' };
  const chunks: Buffer[] = [];
  let size = 0;
  // Not `for await`: leaving that early would destroy the request before it is answered.
  const isWhole = await new Promise<boolean>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        request.pause();
        resolve(false);
      } else chunks.push(chunk);
    });
    request.once('end', () => resolve(true));
    request.once('error', reject);
    request.once('close', () => reject(new Error('the client went away')));
  });
  if (!isWhole) return { kind: 'too-large' };
  try {
    return { kind: 'body', value: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown };
  } catch {
    return { kind: 'unreadable' };
  }
}

/** Time to wait as a header, where there is any. */
export function retryAfter(ms: number): Record<string, string> {
  return ms > 0 ? { 'retry-after': String(Math.ceil(ms / 1_000)) } : {};
}
