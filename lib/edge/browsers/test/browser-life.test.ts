import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CATCH_UP_INTERVAL_MS } from '../live-feed';
import { MAX_MESSAGES, MESSAGE_WINDOW_MS, type LiveTuning } from '../live-gateway';
import { createTestServer, type TestServer } from '../../testing/test-server';
import { holdLoop, Peer } from '../../testing/peer';
import { ShiftedLoop } from '../../testing/shifted-loop';

/** Messages that a page sends in one window. */
const ASKED = MAX_MESSAGES - 10;

let server: TestServer;
let loop: ShiftedLoop;
let peer: Peer | null = null;

async function start(liveTuning: LiveTuning): Promise<void> {
  loop = new ShiftedLoop();
  server = await createTestServer({ loop, liveTuning });
}

afterEach(async () => {
  await peer?.stop();
  peer = null;
  await server.close();
});

describe('a page', () => {
  it('that sends nothing for too long is disconnected', async () => {
    await start({ silenceMs: 5_000, pingIntervalMs: 1_000 });
    const page = await server.browser();
    await page.inbox.find((message) => message.t === 'snapshot');
    const gone = once(page.socket, 'close');
    // It answers no ping any more.
    page.socket.pause();
    for (let second = 0; second < 60 && server.hub.size > 0; second += 1) {
      loop.advance(1_000);
      await new Promise((resolve) => loop.afterRead(() => resolve(null)));
    }
    expect(server.hub.size).toBe(0);
    page.socket.resume();
    await gone;
  });

  it('is sent one beat for each 2 s in which nothing else was sent', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      await start({});
      const page = await server.browser();
      expect(await page.inbox.find((message) => message.t === 'hello')).toMatchObject({ beatMs: 2_000 });
      await page.inbox.find((message) => message.t === 'snapshot');
      /** The beats of ten looks, without the time that passes meanwhile. The answer to a ping arrives behind them. */
      const beats = async () => {
        page.inbox.all.length = 0;
        vi.advanceTimersByTime(10 * CATCH_UP_INTERVAL_MS);
        page.send({ t: 'ping' });
        await page.inbox.find((message) => message.t === 'pong');
        return page.inbox.all.filter(({ t }) => t === 'beat').length;
      };
      loop.hold();
      page.send({ t: 'ping' });
      await page.inbox.find((message) => message.t === 'pong');
      expect(await beats()).toBe(0);
      for (let round = 0; round < 2; round += 1) {
        loop.release();
        loop.advance(2_000);
        loop.hold();
        expect(await beats()).toBe(1);
      }
    } finally {
      vi.useRealTimers();
    }
  });

  it('whose message is unread because the event loop was blocked stays connected', async () => {
    await start({ silenceMs: 2_000, pingIntervalMs: 100 });
    const headers = { cookie: 'session=session-1', origin: `http://127.0.0.1:${server.port}` };
    const hello = [JSON.stringify({ t: 'hello' })];
    peer = Peer.dial({ url: `ws://127.0.0.1:${server.port}/live`, headers, hello, autoPong: false });
    await peer.message('"snapshot"');
    // What came with its greeting was seen by a look.
    await new Promise((resolve) => loop.after(300, () => resolve(null)));
    // Held in this phase of the loop, its timers run before anything is read.
    await new Promise((resolve) => setImmediate(resolve));
    peer.send(JSON.stringify({ t: 'ping' }));
    holdLoop(4_000);
    await peer.message('"pong"');
    expect(peer.end).toBeNull();
  });

  it('that stays within its message limit stays connected, also when the clock is set back', async () => {
    await start({});
    const page = await server.browser();
    const closed = once(page.socket, 'close');
    const ask = async () => {
      page.inbox.all.length = 0;
      for (let count = 0; count < ASKED; count += 1) page.send({ t: 'ping' });
      const answered = () => page.inbox.all.filter(({ t }) => t === 'pong').length === ASKED;
      await Promise.race([page.inbox.find(answered), closed]);
    };
    await ask();
    loop.advance(MESSAGE_WINDOW_MS);
    const now = Date.now.bind(Date);
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    await ask();
    clock.mockRestore();
    expect(page.socket.readyState).toBe(page.socket.OPEN);
  });

  it('that does not read is disconnected after a while in which the dashboard could write', async () => {
    await start({ stuckMs: 3_000 });
    const page = await server.browser();
    await page.inbox.find((message) => message.t === 'snapshot');
    page.socket.pause();
    const fill = () => {
      for (let host = 0; host < 2_000; host += 1) void server.fleet.enrolHost(`h${host}`, '192.0.2.1');
    };
    fill();
    while (server.hub.backlogBytes < 256 * 1024) {
      page.send({ t: 'resync' });
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Seen full once; then nothing can be written for longer than it may be full.
    await new Promise((resolve) => loop.after(300, () => resolve(null)));
    holdLoop(3_500);
    await new Promise((resolve) => loop.after(500, () => resolve(null)));
    expect(server.hub.size).toBe(1);
    loop.advance(3_000);
    while (server.hub.size > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});
