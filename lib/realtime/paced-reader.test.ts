import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { FairTurns } from './fair-turns';
import type { LinkLimits } from './link-budget';
import { PacedReader } from './paced-reader';

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
  const readers: PacedReader[] = [];
  const got: { from: number; text: string }[] = [];
  const ended: number[] = [];
  let mostWaiting = 0;
  const waiters: (() => void)[] = [];
  const wake = () => {
    for (const each of waiters.splice(0)) each();
  };
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, autoPong: false });
  server.on('upgrade', (request, stream, head) => {
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const from = readers.length;
      const reader = new PacedReader({ socket, stream, turns, pace: { limits, now } });
      readers.push(reader);
      socket.on('message', (data: Buffer) => {
        reader.take(() => {
          state.nowMs += state.costMs(data.toString());
          got.push({ from, text: data.toString() });
          wake();
        });
        mostWaiting = Math.max(mostWaiting, reader.waitingCount);
      });
      socket.on('ping', (data) => reader.take(() => socket.pong(data)));
      socket.on('close', () =>
        reader.close(() => {
          ended.push(from);
          wake();
        }),
      );
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
    readers,
    state,
    mostWaiting: () => mostWaiting,
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

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

describe('a reader whose budget lasts', () => {
  it('works everything through, in order', async () => {
    const server = await openServer(AMPLE);
    const socket = await server.dial();
    for (const text of numbers(10_000)) socket.send(text);
    await server.until(() => server.got.length === 10_000);
    expect(server.from(0)).toEqual(numbers(10_000));
    expect(server.mostWaiting()).toBe(0);
  });

  it('lets every other socket have its turn after a slice of work, and keeps the order', async () => {
    // Three messages are a slice; all 2,000 of them come in one chunk.
    const server = await openServer(AMPLE, (text) => (text === 'honest' ? 0 : 4));
    const flooding = await server.dial();
    const honest = await server.dial();
    for (const text of numbers(2_000)) flooding.send(text);
    for (let round = 1; round <= 20; round += 1) {
      honest.send('honest');
      await server.until(() => server.from(1).length === round);
    }
    expect(server.from(0).length).toBeLessThan(2_000);
    expect(server.readers[0]?.isPaused).toBe(true);
    await server.until(() => server.from(0).length === 2_000);
    expect(server.from(0)).toEqual(numbers(2_000));
  });

  it('shares the turns of the event loop among many that flood: an honest one does not wait for each of them', async () => {
    const server = await openServer(AMPLE, (text) => (text === 'honest' ? 0 : 10));
    const flooding = await Promise.all(numbers(30).map(() => server.dial()));
    const honest = await server.dial();
    // Each message is a slice; what all of them sent is waiting once each has had its first.
    for (const socket of flooding) for (const text of numbers(50)) socket.send(text);
    await server.until(() => server.readers.slice(0, 30).every((reader) => reader.isPaused));
    const before = server.got.length;
    honest.send('honest');
    await server.until(() => server.from(30).length === 1);
    // Not one slice for each of them.
    expect(server.got.length - before).toBeLessThan(30);
  });

  it('holds no more than the messages of one chunk while it waits', async () => {
    const server = await openServer(AMPLE, () => 10);
    const socket = await server.dial();
    const count = 40_000;
    for (let sent = 0; sent < count; sent += 1) socket.send('');
    await server.until(() => server.got.length === 300);
    // A masked frame without content takes six bytes.
    expect(server.mostWaiting()).toBeGreaterThan(0);
    expect(server.mostWaiting()).toBeLessThanOrEqual((64 * 1024) / 6);
    expect(server.got.length).toBeLessThan(count);
  });

  it('answers pings after what came before them', async () => {
    const server = await openServer(AMPLE, () => 10);
    const socket = await server.dial();
    for (const text of numbers(50)) socket.send(text);
    const pong = once(socket, 'pong');
    socket.ping('life');
    await pong;
    expect(server.got).toHaveLength(50);
  });
});

describe('a reader whose budget is used up', () => {
  it.each([
    ['bytes', { ...AMPLE, bytes: { burst: 256 * 1024, perSecond: 100 * MIB } }, 0],
    ['work', { ...AMPLE, workMs: { burst: 100, perSecond: 100 } }, 3],
  ])(
    'by %s is not read until it has recovered; nothing is lost, and nobody else waits',
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
      expect(server.readers[0]?.isPaused).toBe(true);
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

describe('a socket that is closed', () => {
  it('ends when what came before is worked through', async () => {
    const server = await openServer(AMPLE, () => 10);
    const socket = await server.dial();
    for (const text of numbers(500)) socket.send(text);
    socket.close();
    await server.until(() => server.ended.length === 1);
    expect(server.from(0)).toEqual(numbers(500));
  });

  it('works off the rest at once when the process stops', async () => {
    const server = await openServer(AMPLE, () => 10);
    const socket = await server.dial();
    for (const text of numbers(500)) socket.send(text);
    await server.until(() => server.got.length > 0);
    const [reader] = server.readers;
    reader?.close(() => server.ended.push(0));
    expect(server.ended).toEqual([]);
    reader?.finish();
    expect(server.ended).toEqual([0]);
    expect(server.got.length).toBeGreaterThan(1);
    expect(reader?.waitingCount).toBe(0);
  });

  it('is not listened to any more once what it sends is discarded', async () => {
    const server = await openServer(AMPLE, () => 10);
    const socket = await server.dial();
    for (const text of numbers(500)) socket.send(text);
    await server.until(() => server.got.length > 0);
    const [reader] = server.readers;
    reader?.discard();
    const soFar = server.got.length;
    socket.close();
    await server.until(() => server.ended.length === 1);
    expect(server.got).toHaveLength(soFar);
  });
});
