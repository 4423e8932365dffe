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

/** What is still on its way when a request is refused is read and thrown away, for so long and so much at most. */
const DISCARD_MS = 1_000;
const DISCARD_BYTES = 4 * 1024 * 1024;

/**
 * Refuses a request whose body was not read, and ends the connection with the answer. What the client still sends is
 * taken off the wire first: a socket that is closed on unread data is reset, and the answer is lost with it.
 */
export function sendJsonAndClose(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  value: unknown,
): void {
  void discardBody(request).then(() => {
    if (response.destroyed) return;
    response.once('finish', () => request.destroy());
    sendJson(response, status, value, { connection: 'close' });
  });
}

/** Resolves when the body is over, or the bounds are reached. Never rejects. */
function discardBody(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let size = 0;
    const over = () => {
      clearTimeout(discardTimer);
      resolve();
    };
    const discardTimer = setTimeout(over, DISCARD_MS);
    if (request.readableEnded || request.destroyed) {
      over();
      return;
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > DISCARD_BYTES) over();
    });
    request.once('end', over);
    request.once('close', over);
    request.once('error', over);
    request.resume();
  });
}

/** Reads a body of at most `maxBytes`. Rejects when the client goes away; how long it may take is the server's affair. */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<JsonBody> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return { kind: 'too-large' };
  const chunks: Buffer[] = [];
  let size = 0;
  // Not `for await`: leaving that early would destroy the request before it is answered.
  const isWhole = await new Promise<boolean>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        request.off('data', take);
        request.pause();
        resolve(false);
      } else chunks.push(chunk);
    };
    request.on('data', take);
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
