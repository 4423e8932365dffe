import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { AGENT_PING_INTERVAL_MS, AGENT_SILENCE_MS, AgentGateway, type AgentGatewayTuning } from '../agent-gateway';
import { MAX_AGENT_BACKLOG_BYTES } from '../agent-socket';
import { holdLoop, Peer } from '../../testing/peer';
import { ShiftedLoop } from '../../testing/shifted-loop';
import type { AgentLink } from '@/lib/fleet/records/agent-port';

let loop: ShiftedLoop;
let server: Server;
let gateway: AgentGateway;
let links: AgentLink[];
/** Reports frames to the test. */
let arrived: EventEmitter;
let port: number;
let open: { close(): unknown }[];

async function start(tuning: AgentGatewayTuning = {}): Promise<void> {
  const nothing = () => undefined;
  gateway = new AgentGateway(
    {
      connected: (link) => links.push(link),
      // Every frame is a readable one, whether anybody waits for it or not.
      frame: (_link, text) => arrived.emit('frame', text) || true,
      alive: nothing,
      disconnected: nothing,
      fault: nothing,
      refused: nothing,
    },
    { info: nothing, warn: nothing, error: nothing },
    loop,
    tuning,
  );
  server = createServer();
  server.on('upgrade', (request, socket, head) => gateway.accept(request, socket, head, '', { kind: 'shared' }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
}

beforeEach(() => {
  loop = new ShiftedLoop();
  links = [];
  arrived = new EventEmitter();
  open = [];
});
afterEach(async () => {
  for (const one of open) await one.close();
  await gateway.stop(200);
  server.close();
  loop.stop();
});

async function dial(options: { autoPong?: boolean } = {}): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false, ...options });
  open.push({ close: () => socket.terminate() });
  await once(socket, 'open');
  return socket;
}

async function peer(autoPong = true): Promise<Peer> {
  const made = Peer.dial({ url: `ws://127.0.0.1:${port}`, autoPong });
  open.push({ close: () => made.stop() });
  await made.until('open');
  return made;
}

/** Lets the gateway look at life once: the ping of that look has come, and its answer was read. */
async function look(answering: WebSocket): Promise<void> {
  const pinged = once(answering, 'ping');
  loop.advance(AGENT_PING_INTERVAL_MS);
  await pinged;
  const pong = once(answering, 'pong');
  answering.ping();
  await pong;
}

/** Lets waiting data be read, `times` times. */
async function read(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) await new Promise((resolve) => loop.afterRead(() => resolve(null)));
}

const probed = (link: AgentLink, ms: number) => new Promise<boolean>((resolve) => link.probe(ms, resolve));

describe('an agent', () => {
  it('is disconnected after a minute without a byte, while one that answers pings stays', async () => {
    await start();
    const silent = await dial({ autoPong: false });
    const answering = await dial();
    const dead = once(silent, 'close');
    await look(answering);
    await look(answering);
    expect(silent.readyState).toBe(WebSocket.OPEN);
    loop.advance(AGENT_SILENCE_MS - 2 * AGENT_PING_INTERVAL_MS);
    const [code] = (await dead) as [number];
    expect(code).toBe(1006);
    expect(answering.readyState).toBe(WebSocket.OPEN);
  });

  it('that is sending a large frame does not count as silent: every byte counts', async () => {
    await start();
    const raw = await rawAgent();
    const answering = await dial();
    const dead = once(raw, 'close');
    // A text frame of 1,000 bytes, of which some come every now and then.
    raw.write(Buffer.from([0x81, 0xfe, 0x03, 0xe8, 1, 2, 3, 4]));
    for (let looks = 0; looks < 6; looks += 1) {
      raw.write('x');
      await look(answering);
    }
    expect(raw.readyState).toBe('open');
    // The last byte may have come after the look that it was meant for.
    for (let looks = 0; looks < 3; looks += 1) await look(answering);
    loop.advance(AGENT_SILENCE_MS - 2 * AGENT_PING_INTERVAL_MS);
    await dead;
    expect(answering.readyState).toBe(WebSocket.OPEN);
  });

  it('that the dashboard itself is not reading does not count as silent', async () => {
    await start();
    const agent = await dial({ autoPong: false });
    const answering = await dial();
    const link = links[0] as AgentLink & { socket: WebSocket };
    link.socket.pause();
    for (let looks = 0; looks < 6; looks += 1) await look(answering);
    expect(agent.readyState).toBe(WebSocket.OPEN);
    const dead = once(agent, 'close');
    link.socket.resume();
    await look(answering);
    await look(answering);
    loop.advance(AGENT_SILENCE_MS - 2 * AGENT_PING_INTERVAL_MS);
    await dead;
  });

  it('whose frame is unread because the event loop was blocked does not count as silent', async () => {
    await start({ silenceMs: 2_000, lifeCheckMs: 100 });
    const alive = await peer();
    const dead = await peer();
    // What came with the upgrade was seen by a look.
    await new Promise((resolve) => loop.after(300, () => resolve(null)));
    // Held in this phase of the loop, its timers run before anything is read.
    await new Promise((resolve) => setImmediate(resolve));
    const isRead = once(arrived, 'frame');
    alive.send('{"type":"heartbeat","payload":{}}');
    holdLoop(4_000);
    await dead.until('close');
    await isRead;
    expect(gateway.size).toBe(1);
  });
});

describe('an agent that does not read', () => {
  /** More than the socket itself takes. */
  const SENT_BYTES = 32 * 1024 * 1024;
  const frame = { type: 'ack', payload: { command_id: 'x'.repeat(64 * 1024), output_seq: 1 } } as const;

  it('is disconnected when more than 4 MiB wait for it, and one that reads is not', async () => {
    await start();
    const unread = await dial();
    const reading = await dial();
    const [link, other] = links;
    if (!link || !other) throw new Error('two agents connected');
    unread.pause();
    const ended = once(unread, 'close');
    let backlog = 0;
    let isOpen = true;
    for (let bytes = 0; isOpen && bytes < SENT_BYTES; bytes += 64 * 1024) {
      backlog = gateway.backlogBytes;
      isOpen = link.send(frame);
    }
    expect(isOpen).toBe(false);
    expect(backlog).toBeGreaterThan(MAX_AGENT_BACKLOG_BYTES);
    expect(backlog).toBeLessThan(MAX_AGENT_BACKLOG_BYTES + 128 * 1024);
    expect(link.send(frame)).toBe(false);
    unread.resume();
    const [code] = (await ended) as [number];
    expect(code).toBe(1006);
    expect(gateway.size).toBe(1);
    expect(other.send(frame)).toBe(true);
    expect(reading.readyState).toBe(WebSocket.OPEN);
  });
});

describe('a probe', () => {
  it('proves that an answering agent is alive, and detects one that does not answer', async () => {
    await start();
    await Promise.all([dial(), dial({ autoPong: false })]);
    const answers = Promise.all(links.map((link) => probed(link, 1_000)));
    for (let seconds = 0; seconds < 3; seconds += 1) {
      loop.advance(1_000);
      await read(2);
    }
    expect((await answers).filter(Boolean)).toHaveLength(1);
  });

  it('reads an answer that arrived while the event loop was blocked before it decides', async () => {
    await start();
    await peer();
    await peer(false);
    const answers = Promise.all(links.map((link) => probed(link, 500)));
    // Right after they were asked.
    loop.afterRead(() => holdLoop(1_500));
    expect((await answers).filter(Boolean)).toHaveLength(1);
  });

  it('is not satisfied by bytes sent before the probe', async () => {
    await start();
    const gone = await dial({ autoPong: false });
    const [link] = links;
    if (!link) throw new Error('no link');
    gone.send('{"type":"heartbeat","payload":{}}');
    // It has left this process; what arrives is read only later.
    holdLoop(50);
    const answer = probed(link, 200);
    expect(await answer).toBe(false);
  });

  it('waits for a connection that the dashboard is not reading', async () => {
    await start();
    const agent = await dial();
    const link = links[0] as AgentLink & { socket: WebSocket };
    // One that is not registered may not send so much.
    link.send({ type: 'registered', payload: { host_id: 'h1' } });
    link.socket.pause();
    // More than Node reads ahead of a paused socket: what comes behind it stays where it is.
    for (let frames = 0; frames < 64; frames += 1) agent.send('x'.repeat(256 * 1024));
    await read(20);
    let isJudged = false;
    const answer = probed(link, 100).finally(() => (isJudged = true));
    const hasJudged = () => isJudged;
    for (let times = 0; times < 5; times += 1) {
      loop.advance(100);
      await read(2);
    }
    expect(hasJudged()).toBe(false);
    link.socket.resume();
    while (!hasJudged()) {
      loop.advance(100);
      await read(2);
    }
    expect(await answer).toBe(true);
  });

  it('detects a connection that is already closed, in a later turn, although it was unread when it closed', async () => {
    await start();
    await dial();
    const link = links[0] as AgentLink & { socket: WebSocket };
    link.socket.pause();
    link.socket.terminate();
    while (gateway.size > 0) await new Promise((resolve) => setImmediate(resolve));
    let isAlive: boolean | null = null;
    link.probe(500, (answer) => (isAlive = answer));
    expect(isAlive).toBe(null);
    await read(2);
    expect(isAlive).toBe(false);
  });

  it('is cancelled with its connection: no callback follows', async () => {
    await start();
    const agent = await dial();
    const [link] = links;
    let isJudged = false;
    link?.probe(500, () => (isJudged = true));
    agent.terminate();
    while (gateway.size > 0) await new Promise((resolve) => setImmediate(resolve));
    loop.advance(1_000);
    await read(2);
    expect(isJudged).toBe(false);
  });
});

/** An agent below the level of frames. */
async function rawAgent(): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  open.push({ close: () => socket.destroy() });
  socket.write(
    [
      'GET /ws HTTP/1.1',
      'Host: 127.0.0.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      '',
      '',
    ].join('\r\n'),
  );
  await once(socket, 'data');
  socket.resume();
  return socket;
}
