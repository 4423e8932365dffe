import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Peer } from '../testing/peer';
import { FairTurns } from './fair-turns';
import { LinkBudget, type LinkLimits } from './link-budget';
import { PacedStream, PIECE_BYTES } from './paced-stream';

const MIB = 1024 * 1024;
const AMPLE: LinkLimits = {
  bytes: { burst: 1_000 * MIB, perSecond: 1_000 * MIB },
  workMs: { burst: 1_000_000, perSecond: 1_000_000 },
};

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/**
 * A server whose every socket is read by a reader, on a clock that only the test moves: `costMs` is what one message
 * costs.
 */
async function openServer(limits: LinkLimits, costMs: (text: string) => number = () => 0) {
  const state = { nowMs: 0, stepMs: 0, costMs };
  const now = () => (state.nowMs += state.stepMs);
  const turns = new FairTurns(now);
  const streams: PacedStream[] = [];
  const got: { from: number; text: string }[] = [];
  const ended: number[] = [];
  const waiters: (() => void)[] = [];
  const wake = () => {
    for (const each of waiters.splice(0)) each();
  };
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, autoPong: false });
  server.on('upgrade', (request, _socket, head) => {
    const stream = new PacedStream({ net: request.socket, head, turns, budget: new LinkBudget(limits, now()), now });
    sockets.handleUpgrade(request, stream, Buffer.alloc(0), (socket) => {
      const from = streams.length;
      streams.push(stream);
      socket.on('message', (data: Buffer) => {
        state.nowMs += state.costMs(data.toString());
        got.push({ from, text: data.toString().trimEnd() });
        wake();
      });
      socket.on('ping', (data) => socket.pong(data));
      socket.on('close', () => {
        ended.push(from);
        wake();
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const client of sockets.clients) client.terminate();
    server.close();
    server.closeAllConnections();
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    got,
    ended,
    streams,
    url,
    clients: sockets.clients,
    state,
    from: (which: number) => got.filter(({ from }) => from === which).map(({ text }) => text),
    async until(fits: () => boolean) {
      while (!fits()) await new Promise<void>((resolve) => waiters.push(resolve));
    },
    async dial() {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      closers.push(() => socket.terminate());
      await once(socket, 'open');
      return socket;
    },
  };
}

/** A message that fills a piece: no two of them are worked through at once. */
const padded = (text: string) => text.padEnd(PIECE_BYTES + 100);
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

describe('a stream within its budget', () => {
  it('handles everything in order', async () => {
    const server = await openServer(AMPLE);
    const socket = await server.dial();
    for (const text of numbers(10_000)) socket.send(text);
    await server.until(() => server.got.length === 10_000);
    expect(server.from(0)).toEqual(numbers(10_000));
  });

  it('gives every other socket a turn after a slice of work, and keeps the order', async () => {
    // Three messages are a slice.
    const server = await openServer(AMPLE, (text) => (text === 'honest' ? 0 : 4));
    const flooding = await server.dial();
    const honest = await server.dial();
    for (const text of numbers(2_000)) flooding.send(padded(text));
    for (let round = 1; round <= 20; round += 1) {
      honest.send('honest');
      await server.until(() => server.from(1).length === round);
    }
    expect(server.from(0).length).toBeLessThan(2_000);
    expect(server.streams[0]?.isHeld).toBe(true);
    await server.until(() => server.from(0).length === 2_000);
    expect(server.from(0)).toEqual(numbers(2_000));
  });

  it('shares the turns of the event loop among many flooding peers: a regular one does not wait for each of them', async () => {
    const server = await openServer(AMPLE, (text) => (text === 'honest' ? 0 : 10));
    const flooding = await Promise.all(numbers(30).map(() => server.dial()));
    const honest = await server.dial();
    // Each message is a slice; what all of them sent is waiting once each has had its first.
    for (const socket of flooding) for (const text of numbers(50)) socket.send(padded(text));
    await server.until(() => server.streams.slice(0, 30).every((stream) => stream.isHeld));
    const before = server.got.length;
    honest.send('honest');
    await server.until(() => server.from(30).length === 1);
    // Not one slice for each of them.
    expect(server.got.length - before).toBeLessThan(30);
  });

  it('holds only raw bytes while it waits, no more than Node had read', async () => {
    const server = await openServer(AMPLE, () => 10);
    const socket = await server.dial();
    const count = 100_000;
    for (let sent = 0; sent < count; sent += 1) socket.send('');
    let mostBytes = 0;
    while (server.got.length < 3_000) {
      mostBytes = Math.max(mostBytes, server.streams[0]?.restBytes ?? 0);
      const before = server.got.length;
      await server.until(() => server.got.length > before);
    }
    expect(mostBytes).toBeGreaterThan(0);
    expect(mostBytes).toBeLessThanOrEqual(128 * 1024);
    expect(server.got.length).toBeLessThan(count);
  });

  it('answers pings after the messages before them', async () => {
    const server = await openServer(AMPLE, () => 10);
    const socket = await server.dial();
    for (const text of numbers(50)) socket.send(padded(text));
    const pong = once(socket, 'pong');
    socket.ping('life');
    await pong;
    expect(server.got).toHaveLength(50);
  });
});

describe('many connections at once, each with one expensive message', () => {
  const LINKS = 100;
  const DEAR_MS = 300;

  it('share the time of a turn: one message per turn, and a regular connection is served within a few turns', async () => {
    const server = await openServer(AMPLE, (text) => (text === 'honest' ? 0 : DEAR_MS));
    const flooding = await Promise.all(numbers(LINKS).map(() => server.dial()));
    const honest = await server.dial();
    const dear = 'x'.repeat(256 * 1024);
    let mostMs = 0;
    let before = server.state.nowMs;
    let watching = true;
    const watch = () => {
      mostMs = Math.max(mostMs, server.state.nowMs - before);
      before = server.state.nowMs;
      if (watching) setImmediate(watch);
    };
    watch();
    for (const socket of flooding) socket.send(dear);
    await server.until(() => server.got.length >= 3);
    const waited: number[] = [];
    while (server.got.length < LINKS / 2) {
      const { length } = server.got;
      honest.send('honest');
      const rounds = server.from(LINKS).length;
      await server.until(() => server.from(LINKS).length > rounds);
      waited.push(server.got.length - length);
    }
    await server.until(() => server.got.length - server.from(LINKS).length === LINKS);
    watching = false;
    // One at once, and one of the queue.
    expect(mostMs).toBeLessThanOrEqual(2 * DEAR_MS);
    expect(Math.max(...waited)).toBeLessThanOrEqual(8);
  });
});

describe('a stream with an exhausted budget', () => {
  it.each([
    ['bytes', { ...AMPLE, bytes: { burst: 256 * 1024, perSecond: 100 * MIB } }, 0],
    ['work', { ...AMPLE, workMs: { burst: 100, perSecond: 100 } }, 3],
  ])(
    '(%s) is not read until it has recovered; nothing is lost, and no other peer waits',
    async (_name, limits, cost) => {
      const server = await openServer(limits, (text) => (text.startsWith('x') ? cost : 0));
      const flooding = await server.dial();
      const honest = await server.dial();
      const count = 20_000;
      for (let sent = 0; sent < count; sent += 1) flooding.send(`${'x'.repeat(1_000)}${sent}`);
      // The clock stands still: the budget never recovers, however long this takes.
      for (let round = 1; round <= 100; round += 1) {
        honest.send('honest');
        await server.until(() => server.from(1).length === round);
      }
      expect(server.from(0).length).toBeLessThan(count);
      expect(server.streams[0]?.isHeld).toBe(true);
      expect(flooding.bufferedAmount).toBeGreaterThan(0);
      expect(flooding.readyState).toBe(WebSocket.OPEN);
      // An hour goes by, and from then on there is enough.
      Object.assign(server.state, {
        nowMs: server.state.nowMs + 3_600_000,
        stepMs: cost === 0 ? 1 : 0,
        costMs: () => 0,
      });
      await server.until(() => server.from(0).length === count);
      expect(server.from(0).every((text, index) => text.endsWith(`x${index}`))).toBe(true);
      expect(flooding.readyState).toBe(WebSocket.OPEN);
    },
  );
});

/** Lets the event loop poll its sockets. */
const poll = () => new Promise((resolve) => setImmediate(resolve));

describe('a peer that has gone', () => {
  it('is read to its end, although a write to it fails before that', async () => {
    const server = await openServer(AMPLE);
    const peer = Peer.dial({ url: server.url });
    await peer.until('open');
    peer.leaveHolding('the last frame');
    // Nothing of it has been read. The first write makes its machine answer that it is gone, the next one fails.
    const [client] = server.clients;
    for (let times = 0; times < 3; times += 1) client?.ping();
    await server.until(() => server.ended.length === 1);
    expect(server.from(0)).toEqual(['the last frame']);
    await peer.stop();
  });

  it('is read to its end after a pause in which something was sent to it', async () => {
    const server = await openServer(AMPLE);
    const peer = Peer.dial({ url: server.url });
    await peer.until('open');
    const [client] = server.clients;
    client?.pause();
    // More than the kernel takes for a socket that is not read: the rest waits on the machine of the peer.
    const text = 'x'.repeat(600 * 1024);
    await peer.leave(text);
    for (let times = 0; times < 3; times += 1) {
      client?.ping();
      await poll();
    }
    client?.resume();
    await server.until(() => server.ended.length === 1);
    expect(server.from(0)).toEqual([text]);
    await peer.stop();
  });

  it('is sent what was held back when it is read again', async () => {
    const server = await openServer(AMPLE);
    const socket = await server.dial();
    const [client] = server.clients;
    client?.pause();
    const message = once(socket, 'message');
    client?.send('held back');
    await poll();
    client?.resume();
    expect(String((await message)[0])).toBe('held back');
  });
});

describe('a closed socket', () => {
  it('ends when everything received before is handled', async () => {
    const server = await openServer(AMPLE, () => 10);
    const socket = await server.dial();
    for (const text of numbers(500)) socket.send(padded(text));
    socket.close();
    await server.until(() => server.ended.length === 1);
    expect(server.from(0)).toEqual(numbers(500));
  });

  it('ends when everything received before is handled, also when the server terminates it', async () => {
    const server = await openServer(AMPLE, () => 10);
    const socket = await server.dial();
    // More than one chunk: Node itself holds some of it.
    for (const text of numbers(5_000)) socket.send(padded(text));
    await server.until(() => server.got.length > 30);
    const [stream] = server.streams;
    const whole = Math.floor((stream?.restBytes ?? 0) / (PIECE_BYTES + 108));
    stream?.destroy();
    expect(server.ended).toEqual([]);
    await server.until(() => server.ended.length === 1);
    expect(whole).toBeGreaterThan(0);
    expect(server.got.length).toBeGreaterThanOrEqual(whole);
    expect(server.from(0)).toEqual(numbers(server.got.length));
  });

  it('is no longer read once it is discarded, and ends although the peer keeps sending', async () => {
    const server = await openServer(AMPLE, () => 10);
    const socket = await server.dial();
    for (const text of numbers(5_000)) socket.send(padded(text));
    await server.until(() => server.got.length > 0);
    const [stream] = server.streams;
    stream?.discard();
    const soFar = server.got.length;
    await server.until(() => server.ended.length === 1);
    expect(server.got).toHaveLength(soFar);
    expect(stream?.restBytes).toBe(0);
  });
});
