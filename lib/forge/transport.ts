/**
 * HTTP to a forge: one request at a time, bounded in time and size, redirects only on the same server, and conditional
 * requests (RFC 9110 §13), which do not count against GitHub's rate limit when nothing changed.
 */

export const REQUEST_TIMEOUT_MS = 20_000;
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const MAX_REDIRECTS = 3;
/** The server closed the connection before it answered. */
const CLOSED_CONNECTION: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);
/** Answers kept for conditional requests; a poll makes about ten. */
const MAX_KEPT = 64;
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

export type TransportProblem = 'timeout' | 'stopped' | 'unreachable' | 'too-large' | 'redirect';

/** Why there is no answer. Thrown, because the GitHub client passes on what its fetch throws. */
export class TransportFault extends Error {
  constructor(
    readonly problem: TransportProblem,
    /** A short detail without secrets: an error code, a redirect target. */
    readonly detail: string,
  ) {
    super(`${problem}: ${detail}`);
    this.name = 'TransportFault';
  }
}

export interface ForgeRequest {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  signal?: AbortSignal | null;
}

export type ForgeFetch = (url: string, request: ForgeRequest) => Promise<Response>;

interface Kept {
  etag: string;
  headers: Headers;
  body: Buffer;
}

/**
 * Creates the fetch function for a forge. Responses are read completely; a status of 400 or more is returned, not
 * thrown.
 */
export function createForgeFetch({ timeoutMs = REQUEST_TIMEOUT_MS, maxBytes = MAX_ANSWER_BYTES } = {}): ForgeFetch {
  const kept = new Map<string, Kept>();
  let last: Promise<unknown> = Promise.resolve();

  function keep(key: string, answer: Kept): void {
    kept.delete(key);
    kept.set(key, answer);
    let size = 0;
    for (const { body } of kept.values()) size += body.byteLength;
    for (const [oldest, { body }] of kept) {
      if (kept.size <= MAX_KEPT && size <= MAX_KEPT_BYTES) return;
      kept.delete(oldest);
      size -= body.byteLength;
    }
  }

  async function perform(url: string, request: ForgeRequest, stop: AbortSignal | null): Promise<Response> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = stop === null ? timeout : AbortSignal.any([stop, timeout]);
    try {
      return await ask(url, request, signal);
    } catch (error) {
      if (error instanceof TransportFault) throw error;
      if (stop?.aborted) throw new TransportFault('stopped', '');
      if (timeout.aborted) throw new TransportFault('timeout', `${timeoutMs / 1000} s`);
      throw new TransportFault('unreachable', codeOf(error));
    }
  }

  async function ask(url: string, { method = 'GET', headers = {}, body }: ForgeRequest, signal: AbortSignal) {
    const key = `${headers.accept ?? ''} ${url}`;
    const known = method === 'GET' ? kept.get(key) : undefined;
    const sent = new Headers(headers);
    if (known !== undefined) sent.set('if-none-match', known.etag);
    const response = await follow(new URL(url), { method, headers: sent, body, signal });
    if (response.status === 304 && known !== undefined) {
      await response.body?.cancel();
      keep(key, known);
      return new Response(copyOf(known.body), { status: 200, headers: known.headers });
    }
    const bytes = await boundedBytes(response, maxBytes);
    const etag = response.headers.get('etag');
    if (method === 'GET' && response.status === 200 && etag !== null) {
      keep(key, { etag, headers: response.headers, body: bytes });
    }
    // These statuses may have no body (Fetch standard, "null body status").
    const content = [101, 103, 204, 205, 304].includes(response.status) ? null : copyOf(bytes);
    return new Response(content, { status: response.status, headers: response.headers });
  }

  return (url, request) => {
    const stop = request.signal ?? null;
    // One at a time: GitHub treats parallel requests as abuse ("secondary rate limits").
    const turn = last.then(() => {
      if (stop?.aborted) throw new TransportFault('stopped', '');
      return perform(url, request, stop);
    });
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** Follows redirects itself: a token must not reach another server, and a write must not be repeated. */
async function follow(start: URL, init: { method: string } & RequestInit): Promise<Response> {
  let target = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const response = await fetchAgainIfClosed(target, { ...init, redirect: 'manual' });
    const location = response.headers.get('location');
    const { status } = response;
    if (status < 300 || status >= 400 || status === 304 || location === null) return response;
    await response.body?.cancel();
    if (!URL.canParse(location, target)) throw new TransportFault('redirect', 'to an invalid address');
    const next = new URL(location, target);
    if (next.origin !== start.origin) throw new TransportFault('redirect', `to another server (${next.host})`);
    if (init.method !== 'GET' && status !== 307 && status !== 308) {
      throw new TransportFault('redirect', 'a request that changes something');
    }
    target = next;
  }
  throw new TransportFault('redirect', `more than ${MAX_REDIRECTS} times`);
}

/**
 * A server may close an idle connection at the moment at which it is used again. A request that only reads is then sent
 * once more (RFC 9110 §9.2.2); one that changes something is not, because it may have been carried out.
 */
async function fetchAgainIfClosed(target: URL, init: { method: string } & RequestInit): Promise<Response> {
  try {
    return await fetch(target, init);
  } catch (error) {
    if (init.method !== 'GET' || !CLOSED_CONNECTION.has(codeOf(error))) throw error;
    return fetch(target, init);
  }
}

async function boundedBytes(response: Response, maxBytes: number): Promise<Buffer> {
  if (response.body === null) return Buffer.alloc(0);
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > maxBytes) {
      await reader.cancel();
      throw new TransportFault('too-large', `more than ${Math.round(maxBytes / 1024 / 1024)} MiB`);
    }
    chunks.push(part.value);
  }
  return Buffer.concat(chunks);
}

const copyOf = (bytes: Buffer): ArrayBuffer => Uint8Array.from(bytes).buffer;

/** Only the system's code of a network error, because its message can contain an address. */
function codeOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error) return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return 'unknown reason';
}
