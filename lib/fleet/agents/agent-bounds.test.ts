/** Limits on unknown agents with a token, which must not keep known hosts out. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DUPLICATE_PROBE_MS, MAX_HELD } from './admission-rules';
import { newHost } from '../hosts/host';
import { openBench, settle, withSentence, type Bench, type TestLink } from '../testing/test-fleet';
import {
  MAX_UNREGISTERED,
  MAX_UNREGISTERED_PER_ADDRESS,
  MAX_UNREGISTERED_PER_TOKEN,
  REGISTER_TIMEOUT_MS,
} from './unregistered-connections';
import type { AgentIdentity } from '../records/agent-port';
import { MAX_HOSTS } from '../records/limits';

const HOUR = 3_600_000;
const STRANGER = '203.0.113.66';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const isIn = (link: TestLink) => link.frames.some(({ type }) => type === 'registered');
const dial = async (hostname: string, address?: string, identity?: AgentIdentity) => {
  const link = bench.connect(address, identity);
  await bench.say(link, 'register', { hostname });
  return link;
};
async function manyLater<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let index = 0; index < count; index += 1) made.push(await make(index));
  return made;
}
const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index));
const closed = (links: readonly TestLink[]) => links.filter((link) => link.closed !== null).length;
const limit = (id: string) => bench.fleet.limits().find((one) => one.id === id);
const limitEvents = async () =>
  (await bench.store.events({ limit: 100 })).filter(({ action }) => action === 'agent.limit').map(withSentence);

describe('an unregistered connection', () => {
  it('is closed after ten seconds with the reason; a registered one stays', async () => {
    const silent = bench.connect();
    const agent = await bench.agent('h1');
    await bench.advance(REGISTER_TIMEOUT_MS - 1_000);
    expect(silent.closed).toBeNull();
    await bench.advance(2_000);
    expect(silent.closed).toEqual({ code: 1008, reason: 'no register frame within 10 s' });
    expect(agent.closed).toBeNull();
    await bench.say(silent, 'register', { hostname: 'late' });
    expect(bench.fleet.host('late')).toBeNull();
  });

  it('is not charged the time its register frame lay unread', async () => {
    const link = bench.connect();
    await bench.advance(5_000);
    bench.clock.unread.push(() => void bench.say(link, 'register', { hostname: 'h1' }));
    bench.clock.hold(60_000);
    await bench.advance(1_000);
    expect([link.closed, isIn(link)]).toEqual([null, true]);
  });

  it('does not time out while its register frame waits for the database', async () => {
    await bench.agent('other');
    bench.database.db.$client.pragma('query_only = ON');
    const link = await dial('h1');
    await bench.advance(60_000);
    expect([link.closed, isIn(link)]).toEqual([null, false]);
    bench.database.db.$client.pragma('query_only = OFF');
    await bench.advance(5_000);
    expect(isIn(link)).toBe(true);
  });

  it('is displaced by a newer one from its address when there are too many, not by one from another address', async () => {
    const other = bench.connect('198.51.100.7');
    const squatters = many(MAX_UNREGISTERED_PER_ADDRESS + 100, () => bench.connect(STRANGER));
    expect(closed(squatters)).toBe(100);
    expect(squatters.slice(0, 100).every((link) => link.closed?.code === 1013)).toBe(true);
    expect(other.closed).toBeNull();
    expect(isIn(await dial('new-one', STRANGER))).toBe(true);
    expect(limit('agents_unregistered')).toMatchObject({
      used: MAX_UNREGISTERED_PER_ADDRESS,
      max: MAX_UNREGISTERED,
      refused: 101,
      by: [
        { who: STRANGER, count: MAX_UNREGISTERED_PER_ADDRESS - 1 },
        { who: '198.51.100.7', count: 1 },
      ],
    });
  });

  it('is counted by its /64 network for IPv6', () => {
    const squatters = many(MAX_UNREGISTERED_PER_ADDRESS + 1, (n) => bench.connect(`2001:db8:1:2::${n.toString(16)}`));
    expect(closed(squatters)).toBe(1);
  });

  it('is displaced by a newer one when the total limit is reached', async () => {
    const squatters = many(MAX_UNREGISTERED + 10, (n) => bench.connect(`198.18.${n % 200}.1`));
    expect(closed(squatters)).toBe(10);
    expect(isIn(await dial('new-one', '192.0.2.99'))).toBe(true);
    expect(limit('agents_unregistered')?.used).toBeLessThanOrEqual(MAX_UNREGISTERED);
  });

  it('with a host token counts towards a small limit per token, which is named', async () => {
    await bench.store.commit({ hosts: [newHost('h1', 'h1', 0), newHost('h2', 'h2', 0)] });
    await bench.crash();
    const own = (hostId: string) => ({ kind: 'host', hostId, tokenId: `token-of-${hostId}` }) as const;
    const shared = bench.connect(STRANGER);
    const copies = many(MAX_UNREGISTERED_PER_TOKEN + 3, () => bench.connect(STRANGER, own('h1')));
    const other = bench.connect(STRANGER, own('h2'));
    expect([closed(copies), shared.closed, other.closed]).toEqual([3, null, null]);
    expect(isIn(await dial('h1', '192.0.2.1', own('h1')))).toBe(true);
    const who = limit('agents_unregistered')?.by ?? [];
    expect(who).toContainEqual({ who: 'the token of h1', count: MAX_UNREGISTERED_PER_TOKEN - 1 });
  });

  it('is reported once an hour, with the count and the most frequent address', async () => {
    many(MAX_UNREGISTERED_PER_ADDRESS + 40, () => bench.connect(STRANGER));
    await bench.advance(60_000);
    bench.connect('198.51.100.7');
    await bench.advance(60_000);
    const [event, ...more] = await limitEvents();
    expect(more).toEqual([]);
    expect(event).toMatchObject({ level: 'warning', address: STRANGER });
    expect(event?.message).toMatch(
      /^\d+ agent connections were closed because they had not registered, \d+ of them from 203\.0\.113\.66\. See Settings, About\.$/,
    );
    await bench.advance(HOUR);
    expect(await limitEvents()).toHaveLength(2);
    expect((await limitEvents())[0]?.message).toContain(
      '1 agent connection from 198.51.100.7 was closed because it had not registered',
    );
    await bench.advance(HOUR);
    expect(await limitEvents()).toHaveLength(2);
  });
});

describe('held agents', () => {
  const strangers = () => manyLater(MAX_HELD, (n) => dial('no host name', n < 300 ? STRANGER : `198.18.0.${n - 300}`));

  it('make room for a known host even when unknown agents fill the limit', async () => {
    const before = await dial('h1', '192.0.2.1');
    const held = await strangers();
    expect(closed(held)).toBe(0);
    const back = await dial('h1', '192.0.2.1');
    // The first one of a known host has a separate place.
    expect(closed(held)).toBe(0);
    const again = await dial('h1', '192.0.2.1');
    expect([back.closed, again.closed]).toEqual([null, null]);
    // The second one counts towards the limit: its address holds the most.
    expect(held.findIndex((link) => link.closed !== null)).toBe(0);
    expect([closed(held), held[0]?.closed?.code]).toEqual([1, 1013]);
    await bench.advance(DUPLICATE_PROBE_MS + 1_000);
    expect(before.closed?.code).toBe(4409);
    expect([back, again].filter(isIn)).toHaveLength(1);
  });

  it('make room for a known host even when other agents claim the names of hosts', async () => {
    const names = ['h1', 'h2'];
    for (const name of names) await dial(name, '192.0.2.1');
    const held = await manyLater(MAX_HELD + 2, (n) => dial(names[n % 2] ?? '', STRANGER));
    const back = await dial('h2', '192.0.2.1');
    expect([closed(held), back.closed]).toEqual([1, null]);
    await bench.advance(DUPLICATE_PROBE_MS + 1_000);
    // The newest claim to a name is the most likely to be alive.
    expect(isIn(back)).toBe(true);
  });

  it('hold every host of a fleet that reconnects at the same moment, and admit them all', async () => {
    const names = many(2 * MAX_HELD, (n) => `h${n}`);
    const gone = await manyLater(names.length, (n) => dial(names[n] ?? '', '192.0.2.1'));
    const back = await manyLater(names.length, (n) => dial(names[n] ?? '', '192.0.2.1'));
    expect([closed(back), back.filter(isIn).length]).toEqual([0, 0]);
    await bench.advance(DUPLICATE_PROBE_MS + 1_000);
    expect([closed(gone), back.filter(isIn).length]).toEqual([names.length, names.length]);
  });

  it('accept a new host from another address while one address fills the limit, and no more from that one', async () => {
    const held = await strangers();
    const more = await dial('no host name', STRANGER);
    expect([closed(held), more.closed?.code]).toEqual([0, 1013]);
    bench.policy.waits = true;
    const honest = await dial('new-one', '192.0.2.99');
    expect([closed(held), honest.closed]).toEqual([1, null]);
    expect((await bench.fleet.approveHost('new-one', { userId: 'u', userName: 'ada', address: '' })).ok).toBe(true);
    await settle();
    expect(isIn(honest)).toBe(true);
    expect(limit('agents_held')).toMatchObject({ used: MAX_HELD - 1, max: MAX_HELD, refused: 2 });
    expect(limit('agents_held')?.by[0]).toEqual({ who: STRANGER, count: 299 });
  });
});

describe('other limits', () => {
  it('count new hosts that a full fleet can’t admit; known hosts are not affected', async () => {
    await bench.store.commit({ hosts: many(MAX_HOSTS, (n) => newHost(`h${n}`, `h${n}`, 0)) });
    await bench.crash();
    await dial('one-more');
    expect(limit('hosts')).toMatchObject({ used: MAX_HOSTS, max: MAX_HOSTS, refused: 1 });
    expect(isIn(await dial('h7'))).toBe(true);
    expect((await bench.fleet.enrolHost('enrolled', '192.0.2.1')).ok).toBe(true);
  });

  it('hold for new hosts that register at the same moment', async () => {
    await bench.store.commit({ hosts: many(MAX_HOSTS - 1, (n) => newHost(`h${n}`, `h${n}`, 0)) });
    await bench.crash();
    const links = await Promise.all(many(3, (n) => dial(`new-${n}`)));
    expect(links.map(isIn)).toEqual([true, false, false]);
    expect(limit('hosts')).toMatchObject({ used: MAX_HOSTS, refused: 2 });
  });

  it('answers a version-1 agent of a known host, however many invented names call', async () => {
    await bench.store.commit({ hosts: [newHost('old', 'old', 0)] });
    await bench.crash();
    bench.policy.waits = true;
    const poll = async (id: string) =>
      (await bench.fleet.v1Inbox.poll({ id, address: STRANGER, identity: { kind: 'shared' } })).kind;
    const answers = new Set(await manyLater(8_192, (n) => poll(`made-up-${n}`)));
    expect(answers).toEqual(new Set(['ok']));
    expect([await poll('one-more'), await poll('old')]).toEqual(['too-often', 'ok']);
  });
});
