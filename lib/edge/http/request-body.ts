/** Reads a request's body within bounds, and hands on a request whose body has been read. */
import { IncomingMessage, type ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { jsonExcess, type JsonExcess } from '@/lib/protocol/json-limits';
import type { BodyRule } from './request-rules';

export interface BodyLimits {
  maxBytes: number;
  /** From the first look at it until its last byte. */
  maxMs: number;
  /** Ends the reading as if the time were over. */
  signal?: AbortSignal;
}

/**
 * Pieces in which a body may come: some, and one more for each so many bytes. Each costs some microseconds and some
 * hundred bytes, whatever its size; networks carry 1,200 bytes at least in one.
 */
const FREE_PIECES = 64;
const BYTES_PER_PIECE = 256;

export type Body =
  | { kind: 'body'; bytes: Buffer }
  | { kind: 'too-large' }
  | { kind: 'too-slow' }
  | { kind: 'too-many-pieces' }
  /** The client went away. */
  | { kind: 'gone' };

/** A timer that fires this much too late says that the event loop was held, and nothing of the client. */
const HELD_LOOP_MS = 100;

/**
 * Reads the body, which has to be untouched. What is larger or slower than its limits is left where it is: the caller
 * answers and closes. A client that waits for `100 Continue` is sent it unless it announced too much. `onBytes` is
 * called with each number of bytes that came off the wire.
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
      // What has arrived is read first: sockets come after timers in each turn of the loop.
      setImmediate(() => finish({ kind: 'too-slow' }));
    }
    signal?.addEventListener('abort', expire);
    request.on('data', add).once('end', end).once('close', leave).once('error', leave);
  });
}

/** What is wrong with the content of a body, found without parsing it where that could cost much; null when nothing is. */
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
    // Anything else than a list of arguments ends in an error within Next.
    if (!Array.isArray(value) || value.length > MAX_ARGUMENTS) return 'malformed';
    return rule.references || !holdsReference(value) ? null : 'malformed';
  } catch {
    return 'malformed';
  }
}

/** The depth is that of the rule at most: it was measured before. */
function holdsReference(value: unknown): boolean {
  if (typeof value === 'string') return value.startsWith('$') && !value.startsWith('$$');
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsReference);
}

const AMPERSAND = 0x26;
/** Actions take an input, and some a proof beside it. */
const MAX_ARGUMENTS = 4;

/**
 * The request as Next would have met it, with its body in memory: a fresh message on the same socket. The original can't
 * be read twice, and what is put back onto a stream that has ended is lost.
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
  // By the rule's own type it was judged: nobody behind reads another one out of what was sent.
  const headers = { ...kept, 'content-length': String(body.length), 'content-type': contentType };
  again.headers = headers;
  // Made of the headers, in which the client's address has been settled: the raw ones still hold what was sent.
  again.rawHeaders = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one) => [name, one]),
  );
  // Nothing more comes: without this its end would look like an abort, and take the connection with it.
  again.complete = true;
  again.push(body);
  again.push(null);
  // Node tells the messages that it made itself of a lost connection.
  response.once('close', () => {
    if (!response.writableFinished) again.destroy();
  });
  return again;
}
