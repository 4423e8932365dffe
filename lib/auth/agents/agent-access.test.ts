import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAgentTokenStore } from '@/lib/store/sqlite/agent-token-store';
import { createAuthStore } from '@/lib/store/sqlite/auth-store';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { createSettingsStore } from '@/lib/store/sqlite/settings-store';
import { openTestDatabase, type TestDatabase } from '@/lib/store/sqlite/testing/database';
import { newHost } from '@/lib/fleet/hosts/host';
import { createAgentAccess, type AgentAccess, type AgentAccessOptions } from './agent-access';
import { TOKEN_OVERLAP_MS } from './agent-tokens';
import { createThrottle } from '../throttle';
import type { NewEvent } from '@/lib/fleet/records/event-record';

const SHARED = 'the shared token of the fleet';
const BY = { userId: 'operator', userName: 'operator', address: '192.0.2.7' };
const HERE = '198.51.100.1';
const HOUR_MS = 3_600_000;

let database: TestDatabase;
let clock: { now: number };
let events: NewEvent[];
let changes: number;
let access: AgentAccess;

function addHost(name: string): { id: string; name: string } {
  createFleetStore(database.db, { log: database.log }).commit({ hosts: [newHost(name, name, clock.now)] });
  return { id: name, name };
}

function start(more: Partial<AgentAccessOptions> = {}): AgentAccess {
  const made = createAgentAccess({
    store: createAgentTokenStore(database.db),
    settings: createSettingsStore(database.db),
    throttle: createThrottle(createAuthStore(database.db), () => clock.now, { freeFailures: 3, windowMs: 60_000 }),
    now: () => clock.now,
    record: (event) => events.push(event),
    enrolHost: (hostName) => ({ ok: true, hostId: addHost(hostName).id }),
    sharedToken: SHARED,
    v1HashSecret: null,
    rules: { sharedToken: null, approval: null },
    ...more,
  });
  made.onChange(() => (changes += 1));
  return made;
}

beforeEach(() => {
  database = openTestDatabase();
  clock = { now: 1_800_000_000_000 };
  events = [];
  changes = 0;
  access = start();
});
afterEach(() => database.close());

const identify = (token: string, address = HERE) => access.identify(`Bearer ${token}`, address);
const statusOf = (answer: ReturnType<AgentAccess['identify']>) => (answer.kind === 'refused' ? answer.status : 200);

describe('the shared token', () => {
  it('is valid as a bearer token, whatever the case of the scheme, and invalid otherwise', () => {
    for (const right of [`Bearer ${SHARED}`, `bearer ${SHARED}`, `BEARER  ${SHARED} `]) {
      expect(access.identify(right, HERE)).toEqual({ kind: 'known', identity: { kind: 'shared' } });
    }
    const wrong = [SHARED, `Basic ${SHARED}`, `Bearer ${SHARED}x`, `Bearer${SHARED}`, 'Bearer ', 'Bearer', '', null];
    for (const [index, header] of wrong.entries()) {
      expect(access.identify(header, `203.0.113.${index}`)).toMatchObject({ kind: 'refused', status: 401 });
    }
  });

  it('can be disabled in the interface, and is then refused without counting as a guess', () => {
    expect(access.administration.setRule('sharedToken', false, BY)).toBe(true);
    expect(changes).toBe(1);
    for (let tries = 0; tries < 20; tries += 1) expect(statusOf(identify(SHARED))).toBe(401);
    expect(access.policy.isStillValid({ kind: 'shared' })).toBe(false);
    expect(events.map(({ action }) => action)).toEqual(['agents.rule', 'agent.shared-token-refused']);
    expect(start().administration.rule('sharedToken')).toEqual({ value: false, source: 'set here' });
  });

  it('follows the environment where it is set', () => {
    access = start({ rules: { sharedToken: false, approval: true } });
    expect(access.administration.rule('approval')).toEqual({ value: true, source: 'environment' });
    expect(access.administration.setRule('sharedToken', true, BY)).toBe(false);
    expect(statusOf(identify(SHARED))).toBe(401);
  });
});

describe('a host token', () => {
  it('is stored only as a hash, and identifies its host', () => {
    const token = access.administration.issueToken(addHost('h1'), BY);
    expect(identify(token)).toMatchObject({ kind: 'known', identity: { kind: 'host', hostId: 'h1' } });
    const stored = database.db.$client.prepare<[], Record<string, unknown>>('select * from agent_tokens').all();
    expect(JSON.stringify([stored, events, access.administration.tokens()])).not.toContain(token.slice(4));
    expect(token.length).toBeGreaterThan(43);
  });

  it('stays valid beside its successor until that one is used', () => {
    const host = addHost('h1');
    const first = access.administration.issueToken(host, BY);
    identify(first);
    const second = access.administration.issueToken(host, BY);
    expect(statusOf(identify(first))).toBe(200);
    changes = 0;
    expect(statusOf(identify(second))).toBe(200);
    expect(changes).toBe(1);
    expect(statusOf(identify(first))).toBe(401);
    expect(access.administration.tokens()).toHaveLength(1);
  });

  it('expires a week after it was replaced, also when its successor is never used', () => {
    const host = addHost('h1');
    const first = access.administration.issueToken(host, BY);
    access.administration.issueToken(host, BY);
    clock.now += TOKEN_OVERLAP_MS - 1;
    expect(statusOf(identify(first))).toBe(200);
    clock.now += 1;
    expect(statusOf(identify(first))).toBe(401);
  });

  it('is invalid at once when it is revoked', () => {
    const token = access.administration.issueToken(addHost('h1'), BY);
    const known = identify(token);
    if (known.kind !== 'known') throw new Error('the token is good');
    const [view] = access.administration.tokens();
    expect(access.policy.isStillValid(known.identity)).toBe(true);
    expect(access.administration.revokeToken(view?.id ?? '', BY)).toBe(true);
    expect(access.policy.isStillValid(known.identity)).toBe(false);
    expect(statusOf(identify(token))).toBe(401);
    expect(access.policy.hasOwnToken('h1')).toBe(false);
    expect(access.administration.revokeToken(view?.id ?? '', BY)).toBe(false);
  });

  it('reports when revoking it would let the shared token claim its host', () => {
    const host = addHost('h1');
    access.administration.issueToken(host, BY);
    const [first] = access.administration.tokens();
    const opens = (id = '') => access.administration.revokingOpensHost(id);
    expect(opens(first?.id)).toBe(true);
    access.administration.issueToken(host, BY);
    const second = access.administration.tokens().find(({ id }) => id !== first?.id);
    expect([opens(first?.id), opens(second?.id)]).toEqual([false, true]);
    access.administration.setRule('sharedToken', false, BY);
    expect(opens(second?.id)).toBe(false);
    expect(opens('nothing')).toBe(false);
  });

  it('remembers its last use, at most once a minute', () => {
    const token = access.administration.issueToken(addHost('h1'), BY);
    identify(token);
    const used = clock.now;
    clock.now += 59_000;
    identify(token);
    expect(access.administration.tokens()[0]?.lastUsedAt).toBe(used);
    clock.now += 1_000;
    identify(token);
    expect(access.administration.tokens()[0]?.lastUsedAt).toBe(clock.now);
  });

  it('admits its agent although the database refuses writes', () => {
    const token = access.administration.issueToken(addHost('h1'), BY);
    database.db.$client.pragma('query_only = on');
    expect(statusOf(identify(token))).toBe(200);
    database.db.$client.pragma('query_only = off');
  });

  it('of version 1 is accepted with its hash secret, and the shared token stays valid', () => {
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
    expect(statusOf(identify('a token of version 1'))).toBe(401);
    access = start({ v1HashSecret: secret });
    expect(identify('a token of version 1')).toMatchObject({ identity: { kind: 'host', hostId: 'old' } });
    expect(access.policy.hasOwnToken('old')).toBe(false);
    // The stored hash itself is no token.
    expect(statusOf(identify(createHmac('sha256', secret).update('a token of version 1').digest('hex')))).toBe(401);
  });
});

describe('wrong tokens', () => {
  it('make their address wait longer and longer, but never a valid token from it', () => {
    const token = access.administration.issueToken(addHost('h1'), BY);
    const statuses = Array.from({ length: 10_000 }, (_, index) => statusOf(identify(`guess ${index}`)));
    expect(statuses.slice(0, 4)).toEqual([401, 401, 401, 429]);
    expect(new Set(statuses.slice(4))).toEqual(new Set([429]));
    expect(statusOf(identify(token))).toBe(200);
    expect(statusOf(identify(SHARED))).toBe(200);
    expect(statusOf(identify('a guess', '203.0.113.200'))).toBe(401);
    clock.now += 1_000;
    expect(statusOf(identify('one more'))).toBe(401);
    expect(identify('and one more')).toMatchObject({ status: 429, retryAfterMs: 2_000 });
  });

  it('are recorded once an hour per address, and only some of many addresses', () => {
    for (let tries = 0; tries < 100; tries += 1) identify('wrong');
    const refusals = () => events.filter(({ action }) => action === 'agent.refused');
    expect(refusals()).toHaveLength(1);
    clock.now += HOUR_MS;
    identify('wrong');
    expect(refusals()).toHaveLength(2);
    for (let address = 0; address < 500; address += 1) identify('wrong', `203.0.${address >> 8}.${address & 255}`);
    expect(refusals().length).toBeLessThanOrEqual(2 + 60);
    expect(refusals().at(-1)?.message).toContain('Further refusals');
  });
});

describe('an enrolment code', () => {
  const enrol = (code: string, hostName = 'h1', address = HERE) => access.enrol(code, hostName, address);
  const create = (hostName: string | null = null) =>
    access.administration.createCode({ hostName, lifetimeMs: HOUR_MS }, BY) ?? '';

  it('gives one host one token, once', () => {
    const code = create();
    const answer = enrol(code);
    if (answer.kind !== 'enrolled') throw new Error(answer.message);
    expect(identify(answer.token)).toMatchObject({ identity: { kind: 'host', hostId: 'h1' } });
    expect(enrol(code, 'h2')).toMatchObject({ status: 401 });
    expect(access.administration.codes()[0]).toMatchObject({ usedByHostId: 'h1' });
    expect(JSON.stringify(events)).not.toContain(code.slice(4));
  });

  it('expires, and can be revoked', () => {
    const late = create();
    const revoked = create();
    expect(access.administration.revokeCode(access.administration.codes()[0]?.id ?? '', BY)).toBe(true);
    expect([enrol(revoked).kind, enrol(late, 'h9').kind]).toEqual(
      // Of the two that were made in one moment, one was revoked and the other is good.
      expect.arrayContaining(['refused', 'enrolled']),
    );
    const expired = create();
    clock.now += HOUR_MS;
    expect(enrol(expired, 'h2')).toMatchObject({ status: 401 });
  });

  it('for a named host is valid for that host only', () => {
    const answer = enrol(create('h1'), 'h2');
    expect(answer).toMatchObject({ status: 409 });
    expect(answer.kind === 'refused' && answer.message).toContain('for h1');
  });

  it('for any host cannot take over a host that has a token; one for the named host replaces it', () => {
    access.administration.issueToken(addHost('h1'), BY);
    expect(enrol(create())).toMatchObject({ status: 409 });
    expect(enrol(create('h1'))).toMatchObject({ kind: 'enrolled', hostId: 'h1' });
  });

  it('can’t be guessed: wrong ones make their address wait, and a valid one from it still works', () => {
    const good = create();
    const statuses = Array.from({ length: 1_000 }, (_, index) => {
      const answer = enrol(`guess ${index}`);
      return answer.kind === 'refused' ? answer.status : 200;
    });
    expect(statuses.filter((status) => status === 401)).toHaveLength(3);
    expect(enrol(good).kind).toBe('enrolled');
  });

  it('is limited in number', () => {
    const made = Array.from({ length: 101 }, () => create());
    expect(made.filter((code) => code === '')).toHaveLength(1);
  });
});
