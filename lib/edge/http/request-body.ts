/** Reads a request's body within bounds, and recreates a request whose body has been read. */
import { IncomingMessage, type ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { jsonExcess, type JsonExcess } from '@/lib/protocol/json-limits';
import type { BodyRule } from './request-rules';

export interface BodyLimits {
  maxBytes: number;
  /** From the call until the last byte. */
  maxMs: number;
  /** Aborting it ends the read like a time-out. */
  signal?: AbortSignal;
}

/**
 * Limit on the pieces of a body: a fixed number, and one more per `BYTES_PER_PIECE`. Each costs some microseconds and a
 * few hundred bytes, whatever its size; networks carry at least 1,200 bytes in one.
 */
const FREE_PIECES = 64;
const BYTES_PER_PIECE = 256;

export type Body =
  | { kind: 'body'; bytes: Buffer }
  | { kind: 'too-large' }
  | { kind: 'too-slow' }
  | { kind: 'too-many-pieces' }
  /** The client disconnected. */
  | { kind: 'gone' };

/** A timer that fires this late means that the event loop was blocked, not that the client is slow. */
const HELD_LOOP_MS = 100;

/**
 * Reads a body that nobody has read yet. A body beyond its limits is left unread: the caller answers and closes. Sends
 * `100 Continue` to a client that waits for it, unless it announced too much. `onBytes` is called with each number of
 * bytes read.
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  { maxBytes, maxMs, signal }: BodyLimits,
  onBytes: (count: number) => void = () => undefined,
): Promise<Body> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve({ kind: 'too-large' });
  if (request.destroyed && !request.readableEnded) return Promise.resolve({ kind: 'gone' });
  if (request.headers.expect !== undefined) response.writeContinue();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const maxPieces = FREE_PIECES + Math.ceil(maxBytes / BYTES_PER_PIECE);
    let size = 0;
    let dueAt = performance.now() + maxMs;
    let bodyTimer = setTimeout(judgeTime, maxMs);

    function finish(body: Body): void {
      clearTimeout(bodyTimer);
      // Not `for await`: leaving that early would destroy the request before it is answered.
      request.off('data', add).off('end', end).off('close', leave).off('error', leave);
      signal?.removeEventListener('abort', expire);
      request.pause();
      resolve(body);
    }
    function add(chunk: Buffer): void {
      size += chunk.length;
      onBytes(chunk.length);
      if (size > maxBytes) finish({ kind: 'too-large' });
      else if (chunks.length >= maxPieces) finish({ kind: 'too-many-pieces' });
      else chunks.push(chunk);
    }
    function end(): void {
      finish({ kind: 'body', bytes: Buffer.concat(chunks) });
    }
    function leave(): void {
      finish({ kind: 'gone' });
    }
    function expire(): void {
      finish({ kind: 'too-slow' });
    }
    function judgeTime(): void {
      const now = performance.now();
      const heldMs = now - dueAt;
      if (heldMs > HELD_LOOP_MS) {
        dueAt = now + heldMs;
        bodyTimer = setTimeout(judgeTime, heldMs);
        return;
      }
      // Data that has arrived is read first: sockets come after timers in each turn of the loop.
      setImmediate(() => finish({ kind: 'too-slow' }));
    }
    signal?.addEventListener('abort', expire);
    request.on('data', add).once('end', end).once('close', leave).once('error', leave);
  });
}

/** The problem of a body's content, or null. Checked without parsing where parsing could be expensive. */
export function bodyProblem(bytes: Buffer, rule: BodyRule): JsonExcess | 'malformed' | null {
  if (rule.kind === 'form') {
    let fields = 1;
    for (const byte of bytes) if (byte === AMPERSAND) fields += 1;
    return fields > rule.maxFields ? 'too-many-values' : null;
  }
  const excess = jsonExcess(bytes, rule.json);
  if (excess !== null) return excess;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    // Anything but a list of arguments causes an error in Next.
    if (!Array.isArray(value) || value.length > MAX_ARGUMENTS) return 'malformed';
    return rule.references || !holdsReference(value) ? null : 'malformed';
  } catch {
    return 'malformed';
  }
}

/** The depth is bounded: `jsonExcess` has checked it. */
function holdsReference(value: unknown): boolean {
  if (typeof value === 'string') return value.startsWith('$') && !value.startsWith('$$');
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsReference);
}

const AMPERSAND = 0x26;
/** Actions take an input, and some a step-up proof. */
const MAX_ARGUMENTS = 4;

/**
 * Recreates the request for Next with its body in memory: a new message on the same socket. The original can't be read
 * twice, and data put back onto an ended stream is lost.
 */
export function replay(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  contentType: string,
): IncomingMessage {
  const again = new IncomingMessage(request.socket);
  again.httpVersion = request.httpVersion;
  again.httpVersionMajor = request.httpVersionMajor;
  again.httpVersionMinor = request.httpVersionMinor;
  again.method = request.method;
  again.url = request.url;
  const { 'transfer-encoding': _chunked, expect: _expect, trailer: _trailer, ...kept } = request.headers;
  // The content type that was checked, so that Next can't interpret the body as another.
  const headers = { ...kept, 'content-length': String(body.length), 'content-type': contentType };
  again.headers = headers;
  // Built from the parsed headers, which hold the verified client address; the original raw headers do not.
  again.rawHeaders = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one) => [name, one]),
  );
  // Without this, the end of the message would look like an abort and close the connection.
  again.complete = true;
  again.push(body);
  again.push(null);
  // Node reports a lost connection only to messages that it created.
  response.once('close', () => {
    if (!response.writableFinished) again.destroy();
  });
  return again;
}
