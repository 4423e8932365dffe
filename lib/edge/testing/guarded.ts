/** The HTTP server with the request guard in front of a test's handler, and raw client requests. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { limitKey } from '@/lib/auth/client-address';
import { createHttpServer } from '../http/http';
import { RequestCounts } from '../http/request-counts';
import { createRequestGuard, type GuardOptions, type RequestHandler } from '../http/request-guard';

/** An action that every operator page has, and the set-up action. */
export const ACTION = `7f${'a'.repeat(40)}`;
export const SETUP_ACTION = `7f${'b'.repeat(40)}`;
export const SESSION = 'session=good';

export interface Answer {
  status: number;
  /** In lower case. */
  headers: Map<string, string>;
  text: string;
}

/** A raw connection. */
export class RawClient {
  readonly received: Buffer[] = [];
  /** Resolves when the connection is closed, however it ended. */
  readonly closed: Promise<void>;

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => this.received.push(data));
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Resolves once the text was passed to the system. */
  send(text: string | Buffer): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, () => resolve()));
  }

  /** Everything received so far. */
  get text(): string {
    return Buffer.concat(this.received).toString('utf8');
  }

  /** Waits until the received text contains this. */
  async until(part: string): Promise<void> {
    while (!this.text.includes(part)) await once(this.socket, 'data');
  }

  /** The whole answer, once the server has closed the connection. */
  async answer(): Promise<Answer> {
    await this.closed;
    return parseAnswer(this.text);
  }
}

function parseAnswer(text: string): Answer {
  const [head = '', ...rest] = text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '').split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(first.split(' ')[1]), headers, text: rest.join('\r\n\r\n') };
}

export interface GuardedOptions extends Partial<
  Pick<GuardOptions, 'sessions' | 'actions' | 'isDevelopmentTool' | 'now'>
> {
  handle?: RequestHandler;
}

/** Reads all of a request, as Next does. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const echo: RequestHandler = async (request: IncomingMessage, response: ServerResponse) => {
  response.end(await bodyOf(request));
};

/** Starts a guarded server. By default its handler echoes the body. */
export async function startGuarded(options: GuardedOptions = {}) {
  const counts = new RequestCounts();
  const guard = createRequestGuard({
    handle: options.handle ?? echo,
    sessions: options.sessions ?? {
      resolveSession: (cookie) => Promise.resolve(cookie === SESSION ? { idHash: 'good' } : null),
      knownBrowser: (cookie) => /device=(\w+)/.exec(cookie ?? '')?.[1] ?? null,
    },
    limitKey,
    actions: options.actions ?? {
      has: (id) => id === ACTION || id === SETUP_ACTION,
      isOn: (id, pattern) => (pattern === '/setup' ? id === SETUP_ACTION : id === ACTION),
    },
    isDevelopmentTool: options.isDevelopmentTool,
    now: options.now,
    counts,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const server = createHttpServer({
    handle: guard.handle,
    counts,
    machineEndpoints: [],
    // Tests set the client address by header.
    trusts: () => true,
    origins: { baseUrl: null, allowedOrigins: [], machineNames: [] },
    directRoutes: new Map([['/health', () => ({ status: 200, type: 'application/json', body: '{"status":"ok"}' })]]),
    agentCount: () => 0,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  /** The first line and the headers of a request. */
  const head = (method: string, path: string, headers: Record<string, string>) =>
    [`${method} ${path} HTTP/1.1`, 'host: localhost', ...Object.entries(headers).map((pair) => pair.join(': '))].join(
      '\r\n',
    ) + '\r\n\r\n';

  return {
    port,
    counts,
    guard,
    head,
    open: () => RawClient.open(port),
    /** Sends a whole request, and returns the answer once the server has closed. */
    async ask(method: string, path: string, headers: Record<string, string> = {}, body = ''): Promise<Answer> {
      const client = await RawClient.open(port);
      const length: Record<string, string> = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      await client.send(head(method, path, { connection: 'close', ...length, ...headers }) + body);
      return client.answer();
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type Guarded = Awaited<ReturnType<typeof startGuarded>>;

/** Headers of an action with a session. */
export const ACTION_HEADERS = { cookie: SESSION, 'next-action': ACTION, 'content-type': 'text/plain;charset=UTF-8' };
export const SETUP_HEADERS = { 'next-action': SETUP_ACTION, 'content-type': 'text/plain;charset=UTF-8' };
export const FORM_HEADERS = { 'content-type': 'application/x-www-form-urlencoded' };
