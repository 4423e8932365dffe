/** A dashboard's side of the wire for tests: a real server on a free port that parses every frame as the real one does. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import type { AgentFrame, AgentFrameType } from '@/lib/protocol/agent/from-agent';
import { MAX_AGENT_FRAME_BYTES } from '@/lib/protocol/agent/frame-limits';

export const TEST_TOKEN = 'test-token-0123456789';
/** A net for what never comes. */
const WAIT_TIMEOUT_MS = 90_000;

export type FrameOf<T extends AgentFrameType> = Extract<AgentFrame, { type: T }>;
type PayloadOf<T extends AgentFrameType> = FrameOf<T>['payload'];
export interface Received {
  frame: AgentFrame;
  /** The payload as it came, before parsing. */
  raw: Record<string, unknown>;
  connection: number;
}

export interface TestDashboardOptions {
  protocol?: 2 | 3;
  /** Acknowledge output and results as they come. */
  acknowledge?: boolean;
  /** Answer `register`. */
  answer?: boolean;
  /** The types of frames that `registered` names; null: the field is absent, as in 4.0.0. */
  accepts?: readonly string[] | null;
}

export type TestDashboard = Awaited<ReturnType<typeof startTestDashboard>>;

export async function startTestDashboard(options: TestDashboardOptions = {}) {
  const settings = { protocol: 3, acknowledge: true, answer: true, accepts: null, ...options };
  const received: Received[] = [];
  const malformed: string[] = [];
  const closed: number[] = [];
  const refused: number[] = [];
  const headers: Record<string, string | string[] | undefined>[] = [];
  const watchers = new Set<() => void>();
  let sockets: WebSocket[] = [];
  let connections = 0;
  let pings = 0;

  const http = createServer((request, response) => {
    response.writeHead(request.url === '/health' ? 200 : 404).end();
  });
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_AGENT_FRAME_BYTES, perMessageDeflate: false });
  http.on('upgrade', (request, socket, head) => {
    // A client that is gone in the middle of a refusal must not end the process.
    socket.on('error', () => undefined);
    headers.push(request.headers);
    if (request.headers.authorization !== `Bearer ${TEST_TOKEN}`) {
      refused.push(401);
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
      changed();
      return;
    }
    server.handleUpgrade(request, socket, head, accept);
  });

  function accept(socket: WebSocket): void {
    const connection = ++connections;
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('ping', () => {
      pings++;
      changed();
    });
    socket.on('close', (code) => {
      sockets = sockets.filter((other) => other !== socket);
      closed.push(code);
      changed();
    });
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      const parsed = parseAgentFrame(text);
      if (parsed.kind !== 'frame') {
        malformed.push(text.slice(0, 500));
        changed();
        return;
      }
      const { payload } = JSON.parse(text) as { payload: Record<string, unknown> };
      received.push({ frame: parsed.frame, raw: payload, connection });
      react(socket, parsed.frame);
      changed();
    });
    changed();
  }

  function react(socket: WebSocket, frame: AgentFrame): void {
    if (frame.type === 'register' && settings.answer)
      put(socket, 'registered', {
        host_id: 'h',
        ...(settings.protocol === 3 ? { protocol: 3 } : {}),
        ...(settings.accepts === null ? {} : { accepts: settings.accepts }),
      });
    if (!settings.acknowledge) return;
    if (frame.type === 'output_batch')
      put(socket, 'ack', { command_id: frame.payload.command_id, output_seq: frame.payload.lines.at(-1)?.seq });
    if (frame.type === 'status' && frame.payload.command_id !== null)
      put(socket, 'ack', { command_id: frame.payload.command_id, result: true });
  }

  function put(socket: WebSocket, type: string, payload: unknown): void {
    socket.send(JSON.stringify({ type, payload }));
  }

  function changed(): void {
    for (const watcher of [...watchers]) watcher();
  }

  /** Resolves as soon as `look` gives something; rejects with what was seen so far when that takes too long. */
  function until<T>(what: string, look: () => T | undefined): Promise<NonNullable<T>> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        watchers.delete(watcher);
        const seen = received.slice(-12).map(({ frame }) => JSON.stringify(frame).slice(0, 300));
        reject(
          new Error(
            `waited in vain for ${what}; malformed: ${malformed.join(' | ')}; last frames:\n${seen.join('\n')}`,
          ),
        );
      }, WAIT_TIMEOUT_MS);
      const watcher = (): void => {
        const found = look();
        if (found === undefined || found === null || found === false) return;
        clearTimeout(timer);
        watchers.delete(watcher);
        resolve(found);
      };
      watchers.add(watcher);
      watcher();
    });
  }

  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;

  return {
    url: `ws://127.0.0.1:${port}/ws`,
    settings,
    received,
    malformed,
    closed,
    refused,
    headers,
    until,
    changed,
    connections: () => connections,
    /** Pings of agents, over all connections. */
    pings: () => pings,
    all<T extends AgentFrameType>(type: T): FrameOf<T>[] {
      return received.flatMap(({ frame }) => (frame.type === type ? [frame as FrameOf<T>] : []));
    },
    /** The first frame of this type, from index `from` of everything received, for which `test` holds. */
    frame<T extends AgentFrameType>(
      type: T,
      test: (payload: PayloadOf<T>) => boolean = () => true,
      from = 0,
    ): Promise<NonNullable<PayloadOf<T>>> {
      return until(`a frame ${type}`, () =>
        received
          .slice(from)
          .flatMap(({ frame }) => (frame.type === type ? [frame.payload as PayloadOf<T>] : []))
          .find((payload) => test(payload)),
      );
    },
    result(id: string): Promise<PayloadOf<'status'>> {
      return this.frame('status', (payload) => payload.command_id === id);
    },
    /** The command's lines as a dashboard stores them: each number once. */
    lines(id: string): { seq: number; stream: string; line: string }[] {
      const bySeq = new Map<number, { seq: number; stream: string; line: string }>();
      for (const { payload } of this.all('output_batch'))
        if (payload.command_id === id)
          for (const line of payload.lines) if (!bySeq.has(line.seq)) bySeq.set(line.seq, line);
      return [...bySeq.values()];
    },
    send(type: string, payload: unknown): void {
      const socket = sockets.at(-1);
      if (socket === undefined) throw new Error('no agent is connected');
      put(socket, type, payload);
    },
    command(command: string, id?: string, more: object = {}): void {
      this.send('command', { command, ...(id === undefined ? {} : { id }), ...more });
    },
    /** Cuts every connection as a broken network does. */
    cut(): void {
      for (const socket of sockets) socket.terminate();
    },
    async stop(): Promise<void> {
      for (const socket of sockets) socket.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
