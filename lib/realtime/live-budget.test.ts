import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PAGE_LINES } from './browser';
import { openHouse, type House } from './testing/house';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(async () => {
  await house.close();
});

/** A command with so many stored lines. */
async function storedLines(total: number): Promise<string> {
  const agent = await house.agent();
  agent.send('register', { hostname: 'h1', protocol: 3, instance: 'i', running: null, finished: [] });
  await agent.inbox.find((frame) => frame.type === 'registered');
  const [result] = house.fleet.dispatch({ operation: 'test', hostIds: ['h1'], requestId: 'r', by: house.by });
  if (result?.kind !== 'accepted') throw new Error('not accepted');
  for (let from = 1; from <= total; from += 500) {
    const lines = Array.from({ length: 500 }, (_, index) => ({ seq: from + index, stream: 'stdout', line: 'line' }));
    agent.send('output_batch', { command_id: result.commandId, lines });
  }
  await house.until(() => house.fleet.command(result.commandId)?.lines === total);
  return result.commandId;
}

describe('output that is opened', () => {
  it('is read a page at a time, and the event loop turns between two pages of each browser', async () => {
    const pages = 30;
    const id = await storedLines(pages * PAGE_LINES);
    // How many pages were read in each turn of the event loop.
    let turns = 0;
    let counting = true;
    const count = () => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    const readIn = new Map<number, number>();
    const outputAfter = house.fleet.outputAfter.bind(house.fleet);
    vi.spyOn(house.fleet, 'outputAfter').mockImplementation((...asked) => {
      readIn.set(turns, (readIn.get(turns) ?? 0) + 1);
      return outputAfter(...asked);
    });
    const browsers = [await house.browser(), await house.browser()];
    for (const browser of browsers) browser.send({ t: 'watch', commandId: id, after: 0 });
    for (const browser of browsers) {
      await browser.inbox.find(
        (message) => message.t === 'output' && message.lines.some(({ seq }) => seq === pages * PAGE_LINES),
      );
      const lines = browser.inbox.all.flatMap((message) => (message.t === 'output' ? message.lines : []));
      expect(lines).toHaveLength(pages * PAGE_LINES);
      expect(lines.every(({ seq }, index) => seq === index + 1)).toBe(true);
    }
    counting = false;
    // One of each browser, and one that answers `watch`.
    expect(Math.max(...readIn.values())).toBeLessThanOrEqual(3);
  });

  it('goes on for who watches it anew, and stops for who does not watch it any more', async () => {
    const total = 5 * PAGE_LINES;
    const id = await storedLines(total);
    const browser = await house.browser();
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
    const first = Array.from({ length: PAGE_LINES }, (_, index) => index + 1);
    const second = Array.from({ length: 3 * PAGE_LINES }, (_, index) => 2 * PAGE_LINES + index + 1);
    expect(seqs).toEqual([...first, ...second]);
  });
});

describe('what a browser asks for', () => {
  it('costs no snapshot each time, however often it asks', async () => {
    const agent = await house.registeredAgent('h1');
    const browser = await house.browser();
    await browser.until((view) => view.hosts.length === 1);
    const asked = 300;
    for (let times = 0; times < asked; times += 1) browser.send({ t: 'resync' });
    browser.send({ t: 'ping' });
    await browser.inbox.find((message) => message.t === 'pong');
    const snapshots = browser.inbox.all.filter((message) => message.t === 'snapshot').length;
    expect(snapshots).toBeLessThan(asked / 2);
    // It goes on with what comes.
    agent.send('heartbeat', { generation: 'abcdef1' });
    await browser.until((view) => view.hosts[0]?.generation === 'abcdef1');
  });

  it.each([
    ['a message of more than 4 KiB', `{"t":"hello","epoch":"${'x'.repeat(4_096)}"}`, 1009],
    ['brackets', `{"t":"ping","x":${'['.repeat(1_000)}${']'.repeat(1_000)}}`, 4400],
    ['many values', `{"t":"ping","x":[${'1,'.repeat(1_000)}1]}`, 4400],
  ])('closes its socket when it is %s', async (_name, message, expected) => {
    const browser = await house.browser();
    const closed = once(browser.socket, 'close');
    browser.socket.send(message);
    const [code] = (await closed) as [number];
    expect(code).toBe(expected);
  });
});
