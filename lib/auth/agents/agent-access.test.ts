import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAgentTokenStore } from '@/lib/store/sqlite/agent-token-store';
import { createAuthStore } from '@/lib/store/sqlite/auth-store';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { answerLater, type Direct } from '@/lib/store/sqlite/later';
import { createSettingsStore } from '@/lib/store/sqlite/settings-store';
import { openTestDatabase, type TestDatabase } from '@/lib/store/sqlite/testing/database';
import { newHost } from '@/lib/fleet/hosts/host';
import { createAgentAccess, type AgentAccess, type AgentAccessOptions } from './agent-access';
import type { AgentTokenStore, SettingsStore } from './agent-ports';
import { TOKEN_OVERLAP_MS } from './agent-tokens';
import { answerInRandomOrder } from '../testing/random-order';
import { createThrottle, type ThrottleStore } from '../throttle';
import { recordedEvent, type RecordedEvent } from '@/lib/fleet/testing/recorded-event';

const SHARED = 'the shared token of the fleet';
const BY = { userId: 'operator', userName: 'operator', address: '192.0.2.7' };
const HERE = '198.51.100.1';
const HOUR_MS = 3_600_000;

let database: TestDatabase;
let clock: { now: number };
let events: RecordedEvent[];
let changes: number;
let access: AgentAccess;

function addHost(name: string): { id: string; name: string } {
  createFleetStore(database.db, { log: database.log }).commit({ hosts: [newHost(name, name, clock.now)] });
  return { id: name, name };
}

/** What stands between agent access and its stores, as a thread does. */
type Through = <Port>(direct: Direct<Port>) => Port;

async function start(more: Partial<AgentAccessOptions> = {}, through: Through = answerLater): Promise<AgentAccess> {
  const throttles = through<ThrottleStore>(createAuthStore(database.db));
  const made = await createAgentAccess({
    store: through<AgentTokenStore>(createAgentTokenStore(database.db)),
    settings: through<SettingsStore>(createSettingsStore(database.db)),
    throttle: createThrottle(throttles, () => clock.now, { freeFailures: 3, windowMs: 60_000 }),
    now: () => clock.now,
    record: (event) => void events.push(recordedEvent(event)),
    log: database.log,
    enrolHost: (hostName) => ({ ok: true, hostId: addHost(hostName).id }),
    sharedToken: SHARED,
    v1HashSecret: null,
    rules: { sharedToken: null, approval: null },
    ...more,
  });
  made.onChange(() => (changes += 1));
  return made;
}

beforeEach(async () => {
  database = openTestDatabase();
  clock = { now: 1_800_000_000_000 };
  events = [];
  changes = 0;
  access = await start();
});
afterEach(() => database.close());

/** Identifies an agent and waits until its use is stored. */
async function identify(token: string, address = HERE) {
  const answer = await access.identify(`Bearer ${token}`, address);
  await access.settled();
  return answer;
}
async function statusOf(token: string, address = HERE): Promise<number> {
  const answer = await identify(token, address);
  return answer.kind === 'refused' ? answer.status : 200;
}

describe('the shared token', () => {
  it('is valid as a bearer token, whatever the case of the scheme, and invalid otherwise', async () => {
    for (const right of [`Bearer ${SHARED}`, `bearer ${SHARED}`, `BEARER  ${SHARED} `]) {
      expect(await access.identify(right, HERE)).toEqual({ kind: 'known', identity: { kind: 'shared' } });
    }
    const wrong = [SHARED, `Basic ${SHARED}`, `Bearer ${SHARED}x`, `Bearer${SHARED}`, 'Bearer ', 'Bearer', '', null];
    for (const [index, header] of wrong.entries()) {
      expect(await access.identify(header, `203.0.113.${index}`)).toMatchObject({ kind: 'refused', status: 401 });
    }
  });

  it('can be disabled in the interface, and is then refused without counting as a guess', async () => {
    expect(await access.administration.setRule('sharedToken', false, BY)).toBe(true);
    expect(changes).toBe(1);
    for (let tries = 0; tries < 20; tries += 1) expect(await statusOf(SHARED)).toBe(401);
    expect(access.policy.isStillValid({ kind: 'shared' })).toBe(false);
    expect(events.map(({ action }) => action)).toEqual(['agents.rule', 'agent.shared-token-refused']);
    expect((await start()).administration.rule('sharedToken')).toEqual({ value: false, source: 'set here' });
  });

  it('follows the environment where it is set', async () => {
    access = await start({ rules: { sharedToken: false, approval: true } });
    expect(access.administration.rule('approval')).toEqual({ value: true, source: 'environment' });
    expect(await access.administration.setRule('sharedToken', true, BY)).toBe(false);
    expect(await statusOf(SHARED)).toBe(401);
  });
});

describe('a host token', () => {
  it('is stored only as a hash, and identifies its host', async () => {
    const token = await access.administration.issueToken(addHost('h1'), BY);
    expect(await identify(token)).toMatchObject({ kind: 'known', identity: { kind: 'host', hostId: 'h1' } });
    const stored = database.db.$client.prepare<[], Record<string, unknown>>('select * from agent_tokens').all();
    expect(JSON.stringify([stored, events, access.administration.tokens()])).not.toContain(token.slice(4));
    expect(token.length).toBeGreaterThan(43);
  });

  it('stays valid beside its successor until that one is used', async () => {
    const host = addHost('h1');
    const first = await access.administration.issueToken(host, BY);
    await identify(first);
    const second = await access.administration.issueToken(host, BY);
    expect(await statusOf(first)).toBe(200);
    changes = 0;
    expect(await statusOf(second)).toBe(200);
    expect(changes).toBe(1);
    expect(await statusOf(first)).toBe(401);
    expect(access.administration.tokens()).toHaveLength(1);
  });

  it('expires a week after it was replaced, also when its successor is never used', async () => {
    const host = addHost('h1');
    const first = await access.administration.issueToken(host, BY);
    await access.administration.issueToken(host, BY);
    clock.now += TOKEN_OVERLAP_MS - 1;
    expect(await statusOf(first)).toBe(200);
    clock.now += 1;
    expect(await statusOf(first)).toBe(401);
  });

  it('is invalid at once when it is revoked', async () => {
    const token = await access.administration.issueToken(addHost('h1'), BY);
    const known = await identify(token);
    if (known.kind !== 'known') throw new Error('the token is good');
    const [view] = access.administration.tokens();
    expect(access.policy.isStillValid(known.identity)).toBe(true);
    expect(await access.administration.revokeToken(view?.id ?? '', BY, true)).toBe('revoked');
    expect(access.policy.isStillValid(known.identity)).toBe(false);
    expect(await statusOf(token)).toBe(401);
    expect(access.policy.hasOwnToken('h1')).toBe(false);
    expect(await access.administration.revokeToken(view?.id ?? '', BY, true)).toBe('none');
  });

  it('reports when revoking it would let the shared token claim its host', async () => {
    const host = addHost('h1');
    await access.administration.issueToken(host, BY);
    const [first] = access.administration.tokens();
    const opens = (id = '') => access.administration.revokingOpensHost(id);
    expect(opens(first?.id)).toBe(true);
    await access.administration.issueToken(host, BY);
    const second = access.administration.tokens().find(({ id }) => id !== first?.id);
    expect([opens(first?.id), opens(second?.id)]).toEqual([false, true]);
    await access.administration.setRule('sharedToken', false, BY);
    expect(opens(second?.id)).toBe(false);
    expect(opens('nothing')).toBe(false);
  });

  it('remembers its last use, at most once a minute', async () => {
    const token = await access.administration.issueToken(addHost('h1'), BY);
    await identify(token);
    const used = clock.now;
    clock.now += 59_000;
    await identify(token);
    expect(access.administration.tokens()[0]?.lastUsedAt).toBe(used);
    clock.now += 1_000;
    await identify(token);
    expect(access.administration.tokens()[0]?.lastUsedAt).toBe(clock.now);
  });

  it('admits its agent although the database refuses writes', async () => {
    const token = await access.administration.issueToken(addHost('h1'), BY);
    database.db.$client.pragma('query_only = on');
    expect(await statusOf(token)).toBe(200);
    database.db.$client.pragma('query_only = off');
  });

  it('of version 1 is accepted with its hash secret, and the shared token stays valid', async () => {
    addHost('old');
    const secret = 'the secret of version 1';
    createAgentTokenStore(database.db).addToken(
      {
        id: 'adopted-1',
        hostId: 'old',
        scheme: 'v1-hmac',
        tokenHash: createHmac('sha256', secret).update('a token of version 1').digest('hex'),
        createdAt: 0,
        createdBy: 'version 1',
        lastUsedAt: null,
        expiresAt: null,
        revokedAt: null,
      },
      0,
    );
    // Without the hash secret, such tokens have ended.
    access = await start();
    expect(await statusOf('a token of version 1')).toBe(401);
    expect(access.administration.tokens()).toEqual([]);
    expect(access.policy.isStillValid({ kind: 'host', hostId: 'old', tokenId: 'adopted-1' })).toBe(false);
    access = await start({ v1HashSecret: secret });
    expect(access.policy.isStillValid({ kind: 'host', hostId: 'old', tokenId: 'adopted-1' })).toBe(true);
    expect(await identify('a token of version 1')).toMatchObject({ identity: { kind: 'host', hostId: 'old' } });
    expect(access.policy.hasOwnToken('old')).toBe(false);
    // The stored hash itself is no token.
    expect(await statusOf(createHmac('sha256', secret).update('a token of version 1').digest('hex'))).toBe(401);
  });
});

describe('wrong tokens', () => {
  it('make their address wait longer and longer, but never a valid token from it', async () => {
    const token = await access.administration.issueToken(addHost('h1'), BY);
    const statuses: number[] = [];
    for (let guess = 0; guess < 10_000; guess += 1) statuses.push(await statusOf(`guess ${guess}`));
    expect(statuses.slice(0, 4)).toEqual([401, 401, 401, 429]);
    expect(new Set(statuses.slice(4))).toEqual(new Set([429]));
    expect(await statusOf(token)).toBe(200);
    expect(await statusOf(SHARED)).toBe(200);
    expect(await statusOf('a guess', '203.0.113.200')).toBe(401);
    clock.now += 1_000;
    expect(await statusOf('one more')).toBe(401);
    expect(await identify('and one more')).toMatchObject({ status: 429, retryAfterMs: 2_000 });
  });

  it('are recorded once an hour per address', async () => {
    for (let tries = 0; tries < 100; tries += 1) await identify('wrong');
    const refusals = () => events.filter(({ action }) => action === 'agent.refused');
    expect(refusals()).toHaveLength(1);
    clock.now += HOUR_MS;
    await identify('wrong');
    expect(refusals()).toHaveLength(2);
  });
});

describe('an enrolment code', () => {
  const enrol = (code: string, hostName = 'h1', address = HERE) => access.enrol(code, hostName, address);
  const create = async (hostName: string | null = null) =>
    (await access.administration.createCode({ hostName, lifetimeMs: HOUR_MS }, BY)) ?? '';

  it('gives one host one token, once', async () => {
    const code = await create();
    const answer = await enrol(code);
    if (answer.kind !== 'enrolled') throw new Error(answer.message);
    expect(await identify(answer.token)).toMatchObject({ identity: { kind: 'host', hostId: 'h1' } });
    expect(await enrol(code, 'h2')).toMatchObject({ status: 401 });
    expect((await access.administration.codes())[0]).toMatchObject({ usedByHostId: 'h1' });
    expect(JSON.stringify(events)).not.toContain(code.slice(4));
  });

  it('expires, and can be revoked', async () => {
    const late = await create();
    const revoked = await create();
    expect(await access.administration.revokeCode((await access.administration.codes())[0]?.id ?? '', BY)).toBe(true);
    expect([(await enrol(revoked)).kind, (await enrol(late, 'h9')).kind]).toEqual(
      // Of the two that were made in one moment, one was revoked and the other is good.
      expect.arrayContaining(['refused', 'enrolled']),
    );
    const expired = await create();
    clock.now += HOUR_MS;
    expect(await enrol(expired, 'h2')).toMatchObject({ status: 401 });
  });

  it('for a named host is valid for that host only', async () => {
    const answer = await enrol(await create('h1'), 'h2');
    expect(answer).toMatchObject({ status: 409 });
    expect(answer.kind === 'refused' && answer.message).toContain('for h1');
  });

  it('for any host cannot take over a host that has a token; one for the named host replaces it', async () => {
    await access.administration.issueToken(addHost('h1'), BY);
    expect(await enrol(await create())).toMatchObject({ status: 409 });
    expect(await enrol(await create('h1'))).toMatchObject({ kind: 'enrolled', hostId: 'h1' });
  });

  it('can’t be guessed: wrong ones make their address wait, and a valid one from it still works', async () => {
    const good = await create();
    const statuses: number[] = [];
    for (let guess = 0; guess < 1_000; guess += 1) {
      const answer = await enrol(`guess ${guess}`);
      statuses.push(answer.kind === 'refused' ? answer.status : 200);
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(3);
    expect((await enrol(good)).kind).toBe('enrolled');
  });

  it('is limited in number', async () => {
    const made = await Promise.all(Array.from({ length: 101 }, () => create()));
    expect(made.filter((code) => code === '')).toHaveLength(1);
  });
});

describe('memory', () => {
  const refused = { kind: 'read-only' };

  it('keeps what it had when the database refuses a change', async () => {
    access = await start({ enrolHost: (hostName) => ({ ok: true, hostId: hostName }) });
    const { administration, policy } = access;
    const token = await administration.issueToken(addHost('h1'), BY);
    const [view] = administration.tokens();
    const code = (await administration.createCode({ hostName: 'h1', lifetimeMs: HOUR_MS }, BY)) ?? '';
    changes = 0;
    events.length = 0;
    database.db.$client.pragma('query_only = on');
    await expect(administration.issueToken({ id: 'h1', name: 'h1' }, BY)).rejects.toMatchObject(refused);
    await expect(administration.revokeToken(view?.id ?? '', BY, true)).rejects.toMatchObject(refused);
    await expect(administration.setRule('sharedToken', false, BY)).rejects.toMatchObject(refused);
    await expect(administration.refuseHost('h2', BY)).rejects.toMatchObject(refused);
    await expect(access.enrol(code, 'h1', HERE)).rejects.toMatchObject(refused);
    expect(await statusOf(token)).toBe(200);
    expect(await statusOf(SHARED)).toBe(200);
    expect(policy.isRefused('h2')).toBe(false);
    expect(administration.tokens()).toEqual([view]);
    expect(changes).toBe(0);
    expect(events).toEqual([]);
    database.db.$client.pragma('query_only = off');
    expect(await access.enrol(code, 'h1', HERE)).toMatchObject({ kind: 'enrolled' });
  });

  it('is what a restart reads', async () => {
    const host = addHost('h1');
    const first = await access.administration.issueToken(host, BY);
    await identify(first);
    await access.administration.issueToken(addHost('h2'), BY);
    const second = await access.administration.issueToken(host, BY);
    clock.now += 1_000;
    await identify(second);
    await access.administration.refuseHost('h3', BY);
    const again = await start();
    expect(again.administration.tokens()).toEqual(access.administration.tokens());
    expect(
      again.administration
        .tokens()
        .map(({ hostId }) => hostId)
        .sort(),
    ).toEqual(['h1', 'h2']);
    expect(again.policy.isRefused('h3')).toBe(true);
  });

  it('forgets the tokens of a removed host, also one that is being stored', async () => {
    const token = await access.administration.issueToken(addHost('h1'), BY);
    const issued = access.administration.issueToken({ id: 'h1', name: 'h1' }, BY);
    access.forgetHosts(['h1']);
    expect(access.policy.hasOwnToken('h1')).toBe(false);
    await issued;
    await access.settled();
    expect(access.administration.tokens()).toEqual([]);
    expect(await statusOf(token)).toBe(401);
  });

  it('identifies a valid token while the database does not answer', async () => {
    const token = await access.administration.issueToken(addHost('h1'), BY);
    const never = () => new Promise<never>(() => undefined);
    access = await start({}, (direct) => ({ ...answerLater(direct), useTokens: never, throttles: never }));
    expect(await access.identify(`Bearer ${token}`, HERE)).toMatchObject({ kind: 'known' });
    expect(await access.identify(`Bearer ${SHARED}`, HERE)).toMatchObject({ kind: 'known' });
  });

  it('stores the uses of agents that connect at the same moment in one transaction', async () => {
    const tokens: string[] = [];
    for (const name of ['h1', 'h2', 'h3']) tokens.push(await access.administration.issueToken(addHost(name), BY));
    const batches: number[] = [];
    const store = answerLater<AgentTokenStore>(createAgentTokenStore(database.db));
    access = await start({
      store: {
        ...store,
        useTokens(uses) {
          batches.push(uses.length);
          return store.useTokens(uses);
        },
      },
    });
    await Promise.all([...tokens, ...tokens].map((token) => access.identify(`Bearer ${token}`, HERE)));
    await access.settled();
    expect(batches).toEqual([3]);
    expect(access.administration.tokens().map(({ lastUsedAt }) => lastUsedAt)).toEqual(Array(3).fill(clock.now));
  });

  it('does not hold more than 256 wrong tokens while the database does not answer', async () => {
    access = await start({}, (direct) => ({
      ...answerLater(direct),
      throttles: () => new Promise<never>(() => undefined),
    }));
    for (let guess = 0; guess < 256; guess += 1) void access.identify(`Bearer guess ${guess}`, HERE);
    expect(await access.identify('Bearer one more', HERE)).toMatchObject({ status: 429, retryAfterMs: 1_000 });
  });
});

describe.each(Array.from({ length: 10 }, (_, index) => index + 1))('at the same moment (seed %i)', (seed) => {
  const createCode = async () =>
    (await access.administration.createCode({ hostName: null, lifetimeMs: HOUR_MS }, BY)) ?? '';
  let created: string[];
  beforeEach(async () => {
    created = [];
    access = await start(
      {
        enrolHost: (hostName) => {
          created.push(hostName);
          return { ok: true, hostId: addHost(hostName).id };
        },
      },
      (direct) => answerInRandomOrder(direct, seed),
    );
  });

  it('one code enrols one host', async () => {
    const code = await createCode();
    const answers = await Promise.all(['h1', 'h2', 'h3'].map((name) => access.enrol(code, name, HERE)));
    expect(answers.filter(({ kind }) => kind === 'enrolled')).toHaveLength(1);
    expect(created).toHaveLength(1);
    expect(access.administration.tokens()).toHaveLength(1);
  });

  it('two codes for any host give a host one token', async () => {
    const codes = [await createCode(), await createCode()];
    const answers = await Promise.all(codes.map((code) => access.enrol(code, 'h1', HERE)));
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['enrolled', 'refused']);
    expect(access.administration.tokens()).toHaveLength(1);
  });

  it('one of two tokens of a host is revoked without a confirmation', async () => {
    const host = addHost('h1');
    await access.administration.issueToken(host, BY);
    await access.administration.issueToken(host, BY);
    const ids = access.administration.tokens().map(({ id }) => id);
    // Neither has an end, so neither is the last.
    database.db.$client.prepare('update agent_tokens set expires_at = null').run();
    access = await start({}, (direct) => answerInRandomOrder(direct, seed));
    expect(ids.map((id) => access.administration.revokingOpensHost(id))).toEqual([false, false]);
    const answers = await Promise.all(ids.map((id) => access.administration.revokeToken(id, BY, false)));
    expect(answers.sort()).toEqual(['revoked', 'unconfirmed']);
    expect(access.policy.hasOwnToken('h1')).toBe(true);
  });

  it('no more codes are created than may be open', async () => {
    const made = await Promise.all(Array.from({ length: 105 }, createCode));
    expect(made.filter((code) => code !== '')).toHaveLength(100);
  });

  it('changes of one rule leave in memory what is stored', async () => {
    const set = (value: boolean) => access.administration.setRule('approval', value, BY);
    await Promise.all([set(true), set(false), set(true), set(false)]);
    await Promise.all(['h1', 'h2', 'h3'].map((name) => access.administration.refuseHost(name, BY)));
    const again = await start();
    expect(again.policy.newHostsWait()).toBe(access.policy.newHostsWait());
    for (const name of ['h1', 'h2', 'h3']) expect(again.policy.isRefused(name)).toBe(true);
  });

  it('a token that is revoked while it is used stays revoked', async () => {
    const token = await access.administration.issueToken(addHost('h1'), BY);
    const [view] = access.administration.tokens();
    clock.now += HOUR_MS;
    const used = access.identify(`Bearer ${token}`, HERE);
    await access.administration.revokeToken(view?.id ?? '', BY, true);
    expect(await used).toMatchObject({ kind: 'known' });
    await access.settled();
    expect(await statusOf(token)).toBe(401);
    expect((await start()).administration.tokens()).toEqual([]);
  });
});
