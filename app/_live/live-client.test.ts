import { describe, expect, it, vi } from 'vitest';
import { LIVE_CLOSE } from '@/lib/protocol/live/close-codes';
import type { FleetCopy } from './fleet-copy';
import { LIVE_TIMES, type LiveWorld } from './live-client';
import { QUICK, until, startLiveBench } from './testing/live-bench';
import { aFleet, aHost } from './testing/views';

const bench = startLiveBench();
const { accept, start, world } = bench;
const kind = (store: FleetCopy) => store.get().connection.kind;

describe('the live connection', () => {
  it('sends the version of the page, and is live after the greeting of the dashboard', async () => {
    const connection = accept();
    const { store } = start();
    expect(kind(store)).toBe('connecting');
    const peer = await connection;
    expect(await peer.next()).toEqual({ t: 'hello', epoch: 'epoch-1', version: 7 });
    peer.greet('build-1', 123_456);
    await until(store, () => kind(store) === 'live');
    expect(store.get().outdated).toBe(false);
    expect(bench.serverTimes).toEqual([123_456]);
  });

  it('applies changes, and keeps the objects of unchanged hosts', async () => {
    const connection = accept();
    const { store } = start();
    const peer = await connection;
    const before = store.get().byId.get('b');
    peer.greet();
    peer.send({ t: 'changes', from: 7, version: 8, hosts: [{ id: 'a', online: false }, aHost('c')] });
    await until(store, () => store.get().fleet.version === 8);
    expect(store.get().byId.get('a')?.online).toBe(false);
    expect(store.get().byId.get('b')).toBe(before);
    expect([...store.get().byId.keys()]).toEqual(['a', 'b', 'c']);
  });

  it('requests one snapshot after a gap, and ignores changes until it arrives', async () => {
    const connection = accept();
    const { store } = start();
    const peer = await connection;
    await peer.next();
    peer.greet();
    peer.send({ t: 'changes', from: 9, version: 10, removed: ['a'] });
    peer.send({ t: 'changes', from: 10, version: 11, removed: ['b'] });
    expect(await peer.next()).toEqual({ t: 'resync' });
    peer.send({ t: 'snapshot', fleet: aFleet({ epoch: 'epoch-2', version: 20, hosts: [aHost('z')] }) });
    peer.send({ t: 'changes', from: 20, version: 21, hosts: [{ id: 'z', online: false }] });
    await until(store, () => store.get().fleet.version === 21);
    expect(store.get().fleet.hosts.map(({ id, online }) => [id, online])).toEqual([['z', false]]);
  });

  it('delivers events in order, together with their changes', async () => {
    const connection = accept();
    const { store } = start();
    const peer = await connection;
    const seen: [number, number][] = [];
    const all = new Promise<void>((resolve) => {
      store.subscribeEvents((events) => {
        for (const event of events) seen.push([event.id, store.get().fleet.version]);
        if (seen.length >= 3) resolve();
      });
    });
    peer.greet();
    const event = (id: number) => ({
      id,
      at: 0,
      category: 'fleet' as const,
      level: 'info' as const,
      action: 'host.online',
      actor: 'agent a',
      address: '',
      hostId: 'a',
      hostName: 'a',
      commandId: null,
      outcome: '',
      params: {},
    });
    peer.send({ t: 'changes', from: 7, version: 8, events: [event(1), event(2)] });
    peer.send({ t: 'changes', from: 8, version: 9, events: [event(3)] });
    await all;
    expect(seen).toEqual([
      [1, 8],
      [2, 8],
      [3, 9],
    ]);
  });

  it('reconnects with its current version', async () => {
    let connection = accept();
    const { store } = start();
    let peer = await connection;
    peer.greet();
    peer.send({ t: 'changes', from: 7, version: 8 });
    await until(store, () => store.get().fleet.version === 8);
    connection = accept();
    peer.socket.terminate();
    await until(store, () => kind(store) === 'reconnecting');
    peer = await connection;
    expect(await peer.next()).toEqual({ t: 'hello', epoch: 'epoch-1', version: 8 });
    peer.greet();
    await until(store, () => kind(store) === 'live');
  });

  it('doubles its back-off with each attempt, up to the cap', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const waits: number[] = [];
    const { store } = start({
      random: () => 1 - Number.EPSILON,
      connect: (handlers) => {
        queueMicrotask(() => handlers.close(1006));
        return { send: () => undefined, close: () => undefined };
      },
      times: { ...QUICK, backOffMs: 4, backOffCapMs: 20 },
    });
    store.subscribe(() => {
      const { connection } = store.get();
      if (connection.kind !== 'reconnecting') return;
      const wait = Math.round(connection.retryAt - Date.now());
      if (wait > 0) waits.push(wait);
    });
    try {
      while (waits.length < 5) await vi.advanceTimersToNextTimerAsync();
    } finally {
      vi.useRealTimers();
    }
    expect(waits).toEqual([4, 8, 16, 20, 20]);
  });

  it('resets its back-off after a stable connection, and not because the clock was set', () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] });
    try {
      const links: Parameters<LiveWorld['connect']>[0][] = [];
      const { store } = start({
        times: LIVE_TIMES,
        connect: (handlers) => {
          links.push(handlers);
          return { send: () => undefined, close: () => undefined };
        },
      });
      const wait = () => {
        const { connection } = store.get();
        return connection.kind === 'reconnecting' ? connection.retryAt - Date.now() : null;
      };
      const hello = JSON.stringify({ t: 'hello', buildId: 'build-1', serverTime: 1, demo: false });
      const waits: (number | null)[] = [];
      for (const livedMs of [0, 0, 59_000, 61_000]) {
        const link = links.at(-1);
        link?.open();
        link?.message(hello);
        // Answers keep it alive through its pings.
        for (let lived = 0; lived < livedMs; lived += 1_000) {
          vi.advanceTimersByTime(1_000);
          link?.message(JSON.stringify({ t: 'pong', serverTime: 1 }));
        }
        vi.setSystemTime(Date.now() + 125 * 60_000);
        link?.close(1006);
        waits.push(wait());
        vi.advanceTimersByTime(wait() ?? 0);
      }
      expect(waits).toEqual([500, 1_000, 2_000, 500]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('stops reconnecting when the session ends', async () => {
    const connection = accept();
    let connects = 0;
    const real = world();
    const { store, client } = start({
      connect: (handlers) => {
        connects += 1;
        return real.connect(handlers);
      },
    });
    const peer = await connection;
    peer.greet();
    await until(store, () => kind(store) === 'live');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      peer.socket.close(LIVE_CLOSE.SIGNED_OUT, 'signed out');
      await until(store, () => kind(store) === 'signed-out');
      client.nudge();
      vi.advanceTimersByTime(3_600_000);
      expect(connects).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('checks whether it is signed out when its socket is refused', async () => {
    const { store } = start({
      connect: (handlers) => {
        queueMicrotask(() => handlers.close(1006));
        return { send: () => undefined, close: () => undefined };
      },
      signedIn: () => Promise.resolve(false),
    });
    await until(store, () => kind(store) === 'signed-out');
  });

  it('drops a connection that answers no ping, and ignores its late events', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let connection = accept();
    const { store } = start({ times: { ...QUICK, pingEveryMs: 20_000, silenceMs: 25_000 } });
    const silent = await connection;
    await silent.next();
    connection = accept();
    silent.greet();
    await until(store, () => kind(store) === 'live');
    vi.advanceTimersByTime(20_000);
    expect(await silent.next()).toEqual({ t: 'ping' });
    vi.advanceTimersByTime(25_000);
    expect(kind(store)).toBe('reconnecting');
    vi.advanceTimersByTime(QUICK.backOffCapMs);
    const fresh = await connection;
    fresh.greet();
    await until(store, () => kind(store) === 'live');
    silent.send({ t: 'snapshot', fleet: aFleet({ version: 999, hosts: [] }) });
    fresh.send({ t: 'changes', from: 7, version: 8 });
    await until(store, () => store.get().fleet.version === 8);
    expect(store.get().fleet.hosts).toHaveLength(2);
  });

  it('keeps a connection that answers pings', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const connection = accept();
    let received: () => void = () => undefined;
    const { store } = start({
      times: { ...QUICK, pingEveryMs: 20_000, silenceMs: 25_000 },
      serverTime: () => received(),
    });
    const peer = await connection;
    await peer.next();
    peer.greet();
    await until(store, () => kind(store) === 'live');
    for (let i = 0; i < 5; i += 1) {
      vi.advanceTimersByTime(20_000);
      expect(await peer.next()).toEqual({ t: 'ping' });
      const read = new Promise<void>((resolve) => (received = resolve));
      peer.send({ t: 'pong', serverTime: i });
      await read;
    }
    expect(kind(store)).toBe('live');
    expect(bench.server.clients.size).toBe(1);
  });

  it('reconnects at once when nudged', async () => {
    let connection = accept();
    const { store, client } = start({ times: { ...QUICK, backOffMs: 3_600_000, backOffCapMs: 3_600_000 } });
    const first = await connection;
    first.greet();
    await until(store, () => kind(store) === 'live');
    connection = accept();
    first.socket.terminate();
    await until(store, () => kind(store) === 'reconnecting');
    client.nudge();
    (await connection).greet();
    await until(store, () => kind(store) === 'live');
  });

  it('detects that the page is from another build', async () => {
    const connection = accept();
    const { store } = start();
    (await connection).greet('build-2');
    await until(store, () => store.get().outdated);
  });

  it('ignores messages that it cannot parse', async () => {
    const connection = accept();
    const { store } = start();
    const peer = await connection;
    peer.greet();
    for (const text of ['', '{', 'null', '[]', '{"t":"of-tomorrow"}', '{"t":3}']) peer.socket.send(text);
    peer.send({ t: 'changes', from: 7, version: 8 });
    await until(store, () => store.get().fleet.version === 8);
    expect(kind(store)).toBe('live');
  });

  it('requests output again after a reconnect, from the last received line', async () => {
    let connection = accept();
    const { output, store } = start();
    let peer = await connection;
    await peer.next();
    peer.greet();
    const seen: number[] = [];
    let ended = false;
    output.subscribeOutput('c1', 2, (message) => {
      if (message.t !== 'output') return;
      seen.push(...message.lines.map((line) => line.seq));
      ended = message.done === true;
    });
    const line = (seq: number) => ({ seq, at: 0, stream: 'stdout' as const, text: String(seq) });
    expect(await peer.next()).toEqual({ t: 'watch', commandId: 'c1', after: 2 });
    peer.send({ t: 'output', commandId: 'c1', lines: [line(3), line(4)] });
    peer.send({ t: 'changes', from: 7, version: 8 });
    await until(store, () => store.get().fleet.version === 8);
    connection = accept();
    peer.socket.terminate();
    peer = await connection;
    expect(await peer.next()).toMatchObject({ t: 'hello' });
    expect(await peer.next()).toEqual({ t: 'watch', commandId: 'c1', after: 4 });
    peer.greet();
    peer.send({ t: 'output', commandId: 'c1', lines: [line(4), line(5)], done: true });
    peer.send({ t: 'changes', from: 8, version: 9 });
    await until(store, () => store.get().fleet.version === 9);
    expect(seen).toEqual([3, 4, 5]);
    expect(ended).toBe(true);
  });
});
