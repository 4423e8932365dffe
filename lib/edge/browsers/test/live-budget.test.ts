import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_LINE } from '@/lib/text/plain-text';
import { PAGE_CHARACTERS, PAGE_LINES } from '../browser-socket';
import { createTestServer, type BrowserClient, type TestServer } from '../../testing/test-server';
import { holdLoop } from '../../testing/peer';

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(async () => {
  await server.close();
});

/** How many of these long lines one frame of an agent has room for. */
const LONG_IN_FRAME = 15;
const longLine = (seq: number) => ({ seq, stream: 'stdout', line: `${seq} `.padEnd(MAX_LINE, 'x') });

async function runningCommand() {
  const agent = await server.agent();
  agent.send('register', { hostname: 'h1', protocol: 3, instance: 'i', running: null, finished: [] });
  await agent.inbox.find((frame) => frame.type === 'registered');
  const [result] = await server.fleet.dispatch({ operation: 'test', hostIds: ['h1'], requestId: 'r', by: server.by });
  if (result?.kind !== 'accepted') throw new Error('not accepted');
  return { agent, id: result.commandId };
}

/** The sizes of the pages that a browser was sent, in UTF-16 units of text, and the lines in them. */
function pagesOf(browser: BrowserClient) {
  const pages = browser.inbox.all.flatMap((message) => (message.t === 'output' ? [message.lines] : []));
  return {
    sizes: pages.map((lines) => lines.reduce((sum, { text }) => sum + text.length, 0)),
    lines: pages.flat(),
  };
}

/** A command with so many stored lines. */
async function storedLines(total: number): Promise<string> {
  const { agent, id } = await runningCommand();
  for (let from = 1; from <= total; from += 500) {
    const lines = Array.from({ length: 500 }, (_, index) => ({ seq: from + index, stream: 'stdout', line: 'line' }));
    agent.send('output_batch', { command_id: id, lines });
  }
  await server.until(async () => (await server.fleet.command(id))?.lines === total);
  return id;
}

/** Counts, from now on, how many pages of output are read in each turn of the event loop. Each read takes `holdMs`. */
function countReads(holdMs = 0) {
  let turns = 0;
  let counting = true;
  const count = () => {
    turns += 1;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const readIn = new Map<number, number>();
  const outputAfter = server.fleet.outputAfter.bind(server.fleet);
  vi.spyOn(server.fleet, 'outputAfter').mockImplementation((...asked) => {
    readIn.set(turns, (readIn.get(turns) ?? 0) + 1);
    if (holdMs > 0) holdLoop(holdMs);
    return outputAfter(...asked);
  });
  return {
    /** Ends the count. */
    mostInOneTurn(): number {
      counting = false;
      return Math.max(...readIn.values());
    },
  };
}

describe('opened output', () => {
  it('is read one page at a time, with a turn of the event loop between two pages of each browser', async () => {
    const pages = 30;
    const id = await storedLines(pages * PAGE_LINES);
    const reads = countReads();
    const browsers = [await server.browser(), await server.browser()];
    for (const browser of browsers) browser.send({ t: 'watch', commandId: id, after: 0 });
    for (const browser of browsers) {
      await browser.inbox.find(
        (message) => message.t === 'output' && message.lines.some(({ seq }) => seq === pages * PAGE_LINES),
      );
      const lines = browser.inbox.all.flatMap((message) => (message.t === 'output' ? message.lines : []));
      expect(lines).toHaveLength(pages * PAGE_LINES);
      expect(lines.every(({ seq }, index) => seq === index + 1)).toBe(true);
    }
    // One of each browser; one more where the count itself comes between the two.
    expect(reads.mostInOneTurn()).toBeLessThanOrEqual(3);
  });

  it('is sent in pages of bounded size however long its stored and new lines are', async () => {
    const { agent, id } = await runningCommand();
    const stored = 6 * LONG_IN_FRAME;
    const sendFrame = (from: number) => {
      const lines = Array.from({ length: LONG_IN_FRAME }, (_, index) => longLine(from + index));
      agent.send('output_batch', { command_id: id, lines });
    };
    for (let from = 1; from <= stored; from += LONG_IN_FRAME) sendFrame(from);
    await server.until(async () => (await server.fleet.command(id))?.lines === stored);
    const browser = await server.browser();
    const sees = (seq: number) =>
      browser.inbox.find((message) => message.t === 'output' && message.lines.some((line) => line.seq === seq));
    browser.send({ t: 'watch', commandId: id, after: 0 });
    await sees(stored);
    sendFrame(stored + 1);
    await sees(stored + LONG_IN_FRAME);
    const { sizes, lines } = pagesOf(browser);
    const total = stored + LONG_IN_FRAME;
    expect(lines.map(({ seq }) => seq)).toEqual(Array.from({ length: total }, (_, index) => index + 1));
    expect(lines.every(({ seq, text }) => text === longLine(seq).line)).toBe(true);
    expect(Math.max(...sizes)).toBeLessThan(PAGE_CHARACTERS + MAX_LINE);
  });

  it('waits for its turn from the first page on, however many browsers open one at once', async () => {
    const id = await storedLines(PAGE_LINES / 2);
    const browsers = [];
    for (let count = 0; count < 6; count += 1) browsers.push(await server.browser());
    // Longer than a turn of the queue.
    const reads = countReads(20);
    for (const browser of browsers) browser.send({ t: 'watch', commandId: id, after: 0 });
    for (const browser of browsers) await browser.inbox.find((message) => message.t === 'output');
    // One more where the count itself comes between two.
    expect(reads.mostInOneTurn()).toBeLessThanOrEqual(2);
  });

  it('resumes when it is watched again, and stops when it is unwatched', async () => {
    const total = 5 * PAGE_LINES;
    const id = await storedLines(total);
    const browser = await server.browser();
    const messages = [
      { t: 'watch', commandId: id, after: 0 },
      { t: 'unwatch', commandId: id },
      { t: 'watch', commandId: id, after: 2 * PAGE_LINES },
    ] as const;
    for (const message of messages) browser.send(message);
    await browser.inbox.find((message) => message.t === 'output' && message.lines.some(({ seq }) => seq === total));
    const seqs = browser.inbox.all.flatMap((message) =>
      message.t === 'output' ? message.lines.map(({ seq }) => seq) : [],
    );
    // The first watch gets as many pages as it has turns before it ends: none, when all came in one chunk.
    const first = Array.from({ length: seqs.length - 3 * PAGE_LINES }, (_, index) => index + 1);
    const second = Array.from({ length: 3 * PAGE_LINES }, (_, index) => 2 * PAGE_LINES + index + 1);
    expect(seqs).toEqual([...first, ...second]);
  });
});

describe('the messages of a browser', () => {
  it('do not cost one snapshot each, however often it asks', async () => {
    const agent = await server.registeredAgent('h1');
    const browser = await server.browser();
    await browser.until((view) => view.hosts.length === 1);
    const asked = 300;
    for (let times = 0; times < asked; times += 1) browser.send({ t: 'resync' });
    browser.send({ t: 'ping' });
    await browser.inbox.find((message) => message.t === 'pong');
    const snapshots = browser.inbox.all.filter((message) => message.t === 'snapshot').length;
    expect(snapshots).toBeLessThan(asked / 2);
    // It continues with later changes.
    agent.send('heartbeat', { generation: 'abcdef1' });
    await browser.until((view) => view.hosts[0]?.generation === 'abcdef1');
  });

  it.each([
    ['a message of more than 4 KiB', `{"t":"hello","epoch":"${'x'.repeat(4_096)}"}`, 1009],
    ['brackets', `{"t":"ping","x":${'['.repeat(1_000)}${']'.repeat(1_000)}}`, 4400],
    ['many values', `{"t":"ping","x":[${'1,'.repeat(1_000)}1]}`, 4400],
  ])('close its socket for %s', async (_name, message, expected) => {
    const browser = await server.browser();
    const closed = once(browser.socket, 'close');
    browser.socket.send(message);
    const [code] = (await closed) as [number];
    expect(code).toBe(expected);
  });
});
