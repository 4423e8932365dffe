import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decideAdmission, MAX_SHORT_CONNECTIONS, STABLE_AFTER_MS, unstableNotice, type Claim } from './admission-rules';
import { newHost } from '../hosts/host';
import { BY, openBench, settle, type Bench } from '../testing/test-fleet';
import type { AgentIdentity } from '../records/agent-port';
import { MAX_HOSTS } from '../records/limits';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';

const SHARED: AgentIdentity = { kind: 'shared' };
const OWN: AgentIdentity = { kind: 'host', hostId: 'h1', tokenId: 't1' };

const claim = (changes: Partial<Claim> = {}): Claim => ({
  name: 'h1',
  address: '198.51.100.1',
  identity: SHARED,
  instance: '',
  host: { id: 'h1', name: 'h1', hasOwnToken: false, isLeaving: false },
  tokenOf: null,
  present: null,
  newHostsWait: false,
  isRefused: false,
  hosts: 1,
  ...changes,
});
const present = (identity: AgentIdentity, instance = '') => ({ address: '198.51.100.9', identity, instance });
const owned = { id: 'h1', name: 'h1', hasOwnToken: true, isLeaving: false };

describe('decideAdmission', () => {
  it.each<[string, Partial<Claim>, string]>([
    ['a known host with the shared token', {}, 'admit'],
    ['an unknown host with the shared token', { host: null }, 'admit'],
    ['an unknown host while approval is required', { host: null, newHostsWait: true }, 'approval'],
    ['a refused host, even if approval is not required', { host: null, isRefused: true }, 'refused'],
    ['a known host whose name was refused', { isRefused: true, newHostsWait: true }, 'admit'],
    ['an unknown host when the fleet is full', { host: null, hosts: MAX_HOSTS }, 'fleet-full'],
    ['a host that is being removed', { host: { ...owned, isLeaving: true } }, 'leaving'],
    ['the host token', { identity: OWN, host: owned }, 'admit'],
    ['the shared token for a host with a host token', { host: owned }, 'own-token'],
    [
      'the token of another host',
      { identity: OWN, host: { ...owned, id: 'h2', name: 'h2' }, name: 'h2' },
      'foreign-token',
    ],
    ['a host token with an unknown host name', { identity: OWN, host: null, name: 'h3' }, 'foreign-token'],
    ['a second agent with the shared token', { present: present(SHARED) }, 'duplicate'],
    ['a second agent with the host token', { identity: OWN, host: owned, present: present(OWN) }, 'duplicate'],
    [
      'the shared token while an agent with the host token is connected',
      { host: owned, present: present(OWN) },
      'own-token',
    ],
  ])('%s', (_what, changes, expected) => {
    const admission = decideAdmission(claim(changes));
    expect(admission.kind === 'hold' ? admission.why.reason : 'admit').toBe(expected);
  });

  it('admits a host token in place of the shared token, and a new connection of the same process', () => {
    expect(decideAdmission(claim({ identity: OWN, host: owned, present: present(SHARED) }))).toEqual({
      kind: 'admit',
      dismiss: 'an agent with the host token connected',
    });
    expect(decideAdmission(claim({ instance: 'i1', present: present(SHARED, 'i1') }))).toMatchObject({ kind: 'admit' });
    // Two agents without an instance are not one process.
    expect(decideAdmission(claim({ instance: '', present: present(SHARED, '') }))).toMatchObject({ kind: 'hold' });
  });

  it('gives no notice for an agent that stays connected', () => {
    expect(unstableNotice(MAX_SHORT_CONNECTIONS - 1)).toBe('');
    expect(unstableNotice(MAX_SHORT_CONNECTIONS)).toContain('keeps reconnecting');
  });
});

describe('agent admission', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(() => bench.close());

  const dial = async (hostname: string, identity: AgentIdentity = SHARED, address?: string, more = {}) => {
    const link = bench.connect(address, identity);
    await bench.say(link, 'register', { hostname, agent_version: '3.1.5', ...more });
    return link;
  };
  const isIn = (link: { frames: { type: string }[] }) => link.frames.some(({ type }) => type === 'registered');

  it('holds a second agent with the shared token: sends it nothing and shows its address', async () => {
    bench.policy.owners.add('h1');
    await bench.store.commit({ hosts: [newHost('h1', 'h1', 0)] });
    await bench.crash();
    const own = await dial('h1', OWN);
    const thief = await dial('h1', SHARED, '203.0.113.66');
    expect([isIn(own), isIn(thief), thief.closed]).toEqual([true, false, null]);
    await bench.dispatch('test');
    expect([own.commands(), thief.commands()]).toEqual([['test'], []]);
    // It is not admitted when the genuine agent disconnects either.
    bench.fleet.inbox.disconnected(own, 1006, '');
    expect(bench.fleet.host('h1')?.online).toBe(false);
    expect(bench.fleet.host('h1')?.notice).toContain('203.0.113.66');
    expect(bench.fleet.heldAgents()).toMatchObject([{ name: 'h1', reason: 'own-token', address: '203.0.113.66' }]);
  });

  it('replaces an agent with the shared token by one with the host token, and its command continues', async () => {
    const shared = await dial('h1');
    const id = await bench.dispatch('test');
    bench.policy.owners.add('h1');
    const own = await dial('h1', OWN);
    expect([isIn(own), shared.closed?.code]).toEqual([true, 4409]);
    expect(bench.fleet.connectedAs('h1')).toEqual(OWN);
    expect((await bench.fleet.command(id))?.outcome).toBeNull();
  });

  it('admits the new connection of the same process, not a third that is held', async () => {
    const first = await dial('h1', SHARED, '198.51.100.1', { protocol: 3, instance: 'i1' });
    const third = await dial('h1', SHARED, '203.0.113.66');
    const again = await dial('h1', SHARED, '198.51.100.1', { protocol: 3, instance: 'i1' });
    expect([first.closed?.code, isIn(again), isIn(third)]).toEqual([4409, true, false]);
    // Nothing of a replaced connection counts, not even as a fault.
    bench.fleet.inbox.frame(first, parseAgentFrame('{'));
    await bench.advance(60_000);
    const actions = (await bench.store.events({ limit: 100 })).map(({ action }) => action);
    expect(actions).not.toContain('agent.fault');
  });

  it('holds an unknown host until it is approved and then admits it at once', async () => {
    bench.policy.waits = true;
    const link = await dial('new-one');
    expect(isIn(link)).toBe(false);
    expect(bench.fleet.hostViews()).toEqual([]);
    expect(bench.fleet.notices()[0]?.message).toContain('new-one, is waiting for approval');
    expect(bench.fleet.heldAgents()).toMatchObject([{ name: 'new-one', reason: 'approval', version: '3.1.5' }]);
    expect(await bench.fleet.approveHost('new-one', BY)).toEqual({ ok: true, hostId: 'new-one' });
    await settle();
    expect(isIn(link)).toBe(true);
    expect(bench.fleet.host('new-one')).toMatchObject({ online: true, agentVersion: '3.1.5' });
    expect([bench.fleet.heldAgents(), bench.fleet.notices()]).toEqual([[], []]);
    expect((await bench.fleet.events({ limit: 10 })).map(({ action }) => action)).toContain('host.approved');
  });

  it('holds a refused host without a notice, and admits it when the refusal is withdrawn', async () => {
    bench.policy.waits = true;
    const link = await dial('new-one');
    bench.policy.refused.add('new-one');
    bench.fleet.reconsiderAgents();
    expect(bench.fleet.notices()).toEqual([]);
    expect(bench.fleet.heldAgents()).toMatchObject([{ reason: 'refused' }]);
    bench.policy.refused.clear();
    bench.policy.waits = false;
    bench.fleet.reconsiderAgents();
    await settle();
    expect(isIn(link)).toBe(true);
  });

  it('adds a host before its agent connects, as enrolment does, and rejects invalid names', async () => {
    expect(await bench.fleet.enrolHost('h7', '198.51.100.7')).toEqual({ ok: true, hostId: 'h7' });
    expect(await bench.fleet.enrolHost('h7', '198.51.100.7')).toEqual({ ok: true, hostId: 'h7' });
    bench.policy.waits = true;
    expect(isIn(await dial('h7'))).toBe(true);
    for (const name of ['', '../../x', 'H8', 'a.b', '<b>'])
      expect((await bench.fleet.enrolHost(name, '')).ok).toBe(false);
  });

  it('closes the connection of a revoked token at once', async () => {
    await bench.store.commit({ hosts: [newHost('h1', 'h1', 0)] });
    await bench.crash();
    const own = await dial('h1', OWN);
    const other = await dial('h2');
    bench.policy.ended.add('t1');
    bench.fleet.reconsiderAgents();
    expect([own.closed?.code, other.closed]).toEqual([4401, null]);
    expect(bench.fleet.host('h1')?.online).toBe(false);
    expect(bench.fleet.host('h1')?.notice).toBe('');
  });

  it('closes every connection with the shared token when that is disabled', async () => {
    const link = await dial('h1');
    bench.policy.sharedIsGood = false;
    bench.fleet.reconsiderAgents();
    expect(link.closed?.code).toBe(4401);
  });

  it('disconnects an agent within a minute after its token expires', async () => {
    await bench.store.commit({ hosts: [newHost('h1', 'h1', 0)] });
    await bench.crash();
    const own = await dial('h1', OWN);
    bench.policy.ended.add('t1');
    await bench.advance(61_000);
    expect(own.closed?.code).toBe(4401);
  });

  it('recognises a host of an old database by its exact name, even if that is not a DNS label', async () => {
    await bench.store.commit({ hosts: [newHost('old_host.lan', 'old_host.lan', 0)] });
    await bench.crash();
    expect(isIn(await dial('Old_Host.lan'))).toBe(true);
    expect(isIn(await dial('new_host.lan'))).toBe(false);
    // U+212A, the Kelvin sign, becomes k in lower case: it must not match the host k1.
    await dial('k1');
    expect(isIn(await dial('\u212a1'))).toBe(false);
  });

  it('shows a notice while a host’s agent keeps reconnecting, until it stays connected', async () => {
    for (let times = 0; times < MAX_SHORT_CONNECTIONS; times += 1) {
      const link = await dial('h1');
      await bench.advance(2_000);
      bench.fleet.inbox.disconnected(link, 1006, '');
    }
    expect(bench.fleet.host('h1')?.notice).toContain('keeps reconnecting');
    await dial('h1');
    expect(bench.fleet.host('h1')?.notice).toContain('keeps reconnecting');
    await bench.advance(STABLE_AFTER_MS + 2_000);
    expect(bench.fleet.host('h1')?.notice).toBe('');
  });

  it('writes one event an hour for a held agent, however often it reconnects', async () => {
    for (let times = 0; times < 200; times += 1) {
      const link = await dial('bad name');
      bench.fleet.inbox.disconnected(link, 1006, '');
    }
    await bench.advance(20_000);
    expect(bench.events.filter(({ action }) => action === 'agent.held')).toHaveLength(1);
  });
});
