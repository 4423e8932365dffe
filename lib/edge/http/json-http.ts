/** JSON over HTTP for programs: bodies are bounded, and every answer is JSON, including refusals. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { jsonExcess, type JsonLimits } from '@/lib/protocol/json-limits';
import { readBody, type BodyLimits } from './request-body';
import { carriesBody } from './request-judge';

/** A complete text response. */
export interface TextAnswer {
  status: number;
  type: string;
  text: string;
  headers?: Readonly<Record<string, string>>;
}

function writeHead(response: ServerResponse, { status, type, text, headers }: TextAnswer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
}

/** Sends one JSON value with additional `headers`. */
export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(value);
  writeHead(response, { status, type: 'application/json', text, headers });
  response.end(text);
}

/** Limits for reading and discarding the rest of a refused request. */
const DISCARD_MS = 1_000;
const DISCARD_BYTES = 1024 * 1024;
/** A body in tiny pieces is expensive for its size. */
const DISCARD_PIECES = 256;

/**
 * Refuses a request. If its body was not read completely, the connection is closed after the answer, because Node would
 * read all of it to keep the connection. The answer is sent first; then the rest of the body is read and discarded,
 * within bounds, because closing a socket with unread data resets it and the answer may be lost. `onBytes` is called
 * with each number of discarded bytes.
 */
export function sendRefusing(
  request: IncomingMessage,
  response: ServerResponse,
  answer: TextAnswer,
  onBytes: (count: number) => void = () => undefined,
): void {
  if (!carriesBody(request.headers) || request.readableEnded) {
    writeHead(response, answer);
    response.end(answer.text);
    return;
  }
  writeHead(response, { ...answer, headers: { ...answer.headers, connection: 'close' } });
  response.write(answer.text);
  void discardBody(request, onBytes).then(() => {
    response.end(() => request.destroy());
  });
}

/** `sendRefusing` with a JSON value. */
export function sendJsonRefusing(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
  onBytes?: (count: number) => void,
): void {
  sendRefusing(request, response, { status, type: 'application/json', text: JSON.stringify(value), headers }, onBytes);
}

/** Resolves at the end of the body or at the bounds. Never rejects. */
function discardBody(request: IncomingMessage, onBytes: (count: number) => void): Promise<void> {
  return new Promise((resolve) => {
    let size = 0;
    let pieces = 0;
    const discardTimer = setTimeout(over, DISCARD_MS);
    function discard(chunk: Buffer): void {
      size += chunk.length;
      onBytes(chunk.length);
      pieces += 1;
      if (size > DISCARD_BYTES || pieces > DISCARD_PIECES) over();
    }
    function over(): void {
      clearTimeout(discardTimer);
      request.off('data', discard);
      request.pause();
      resolve();
    }
    if (request.destroyed) {
      over();
      return;
    }
    request.on('data', discard).once('end', over).once('close', over).once('error', over);
    request.resume();
  });
}

export type JsonBody =
  | { kind: 'body'; value: unknown }
  /** `status` is the HTTP status to refuse it with. */
  | { kind: 'too-large'; status: 413 }
  | { kind: 'too-slow'; status: 408 }
  | { kind: 'too-deep' | 'too-many-values'; status: 400 }
  | { kind: 'unreadable'; status: 422 };

/** Reads a JSON body within bounds of bytes, time, depth and number of values. Rejects when the client disconnects. */
export async function readJson(
  request: IncomingMessage,
  response: ServerResponse,
  limits: BodyLimits & JsonLimits,
): Promise<JsonBody> {
  const body = await readBody(request, response, limits);
  switch (body.kind) {
    case 'gone':
      throw new Error('the client went away');
    case 'too-large':
      return { kind: 'too-large', status: 413 };
    case 'too-slow':
      return { kind: 'too-slow', status: 408 };
    case 'too-many-pieces':
      return { kind: 'too-many-values', status: 400 };
    case 'body': {
      const excess = jsonExcess(body.bytes, limits);
      if (excess !== null) return { kind: excess, status: 400 };
      try {
        return { kind: 'body', value: JSON.parse(body.bytes.toString('utf8')) as unknown };
      } catch {
        return { kind: 'unreadable', status: 422 };
      }
    }
  }
}

/** The `retry-after` header for a wait; empty for 0. */
export function retryAfter(ms: number): Record<string, string> {
  return ms > 0 ? { 'retry-after': String(Math.ceil(ms / 1_000)) } : {};
}
