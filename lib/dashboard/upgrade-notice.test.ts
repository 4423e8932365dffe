import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SettingsStore } from '@/lib/auth/agents/agent-ports';
import { readConfig, type Environment } from '@/lib/config';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import { sectionsOf } from '@/lib/text/testing/markdown';
import { UPGRADE_DOCUMENT, upgradeNotes, type FormerVersion } from './upgrade-notes';
import { adoptedFrom, createUpgradeNotice } from './upgrade-notice';

const BY = { userId: 'u1', userName: 'ada', address: '192.0.2.7' };

function itemsOf(from: FormerVersion | null, env: Environment) {
  const read = readConfig(env);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return upgradeNotes({ from, config: read.config, unused: read.unused, isSet: (name) => (env[name] ?? '') !== '' });
}
const idsOf = (from: FormerVersion | null, env: Environment) => itemsOf(from, env).map(({ id }) => id);

/** Settings in memory; `refuses` makes every write fail. */
function memoryStore(values = new Map<string, unknown>()) {
  const state = { refuses: false };
  const store: SettingsStore = {
    get: (key) => Promise.resolve(values.get(key) ?? null),
    set: (key, value) => {
      if (state.refuses) return Promise.reject(new Error('the disk is full'));
      values.set(key, value);
      return Promise.resolve();
    },
    remove: (key) => Promise.resolve(void values.delete(key)),
  };
  return { store, state, values };
}

async function notice(env: Environment, made = memoryStore(), from: FormerVersion | null = 'version 3') {
  const events: NewEvent[] = [];
  const record = (event: NewEvent) => Promise.resolve(void events.push(event));
  const parts = { store: made.store, from, items: itemsOf(from, env), record, now: () => 1_000 };
  return { notice: await createUpgradeNotice(parts), events, ...made };
}

describe('the items of the notice', () => {
  it('are none for an installation that was always of this version', () => {
    expect(
      itemsOf(null, { NIXFLEET_BASE_URL: 'https://fleet.example.org', NIXFLEET_COLOR_COMMIT_MODE: 'off' }),
    ).toEqual([]);
  });

  it('name a value that is not used as written, also without a move', () => {
    const [item, ...more] = itemsOf(null, { NIXFLEET_RATE_WINDOW: '60' });
    expect(more).toEqual([]);
    expect(item).toMatchObject({
      id: 'value:NIXFLEET_RATE_WINDOW',
      text: expect.stringContaining('1m is used') as string,
    });
  });

  it.each([
    [
      'version 3',
      {},
      [
        'public-address-missing',
        'proxies',
        'colours-off',
        'releases',
        'scripts',
        'sessions',
        'agents',
        'builds',
        'confirmed-switches',
      ],
    ],
    ['version 3', { NIXFLEET_BASE_URL: 'https://a.example', NIXFLEET_TRUSTED_PROXIES: 'private' }, ['public-address']],
    [
      'version 3',
      { NIXFLEET_GITHUB_REPO: 'ada/nixcfg', NIXFLEET_COLOR_COMMIT_MODE: 'push' },
      ['flake-updates', 'colours-checked'],
    ],
    [
      'version 3',
      { NIXFLEET_VERSION_URL: 'https://a.example/v.json', NIXFLEET_LOG_LEVEL: 'info' },
      ['version-feed', 'log-level'],
    ],
    ['version 3', { NIXFLEET_STALE_MINIMUM: '5m' }, ['value:NIXFLEET_STALE_MINIMUM']],
    [
      'version 1',
      {},
      ['public-address-missing', 'scripts', 'sessions', 'agents', 'builds', 'confirmed-switches', 'agents-macos'],
    ],
    ['version 1', { NIXFLEET_ALLOW_SHARED_AGENT_TOKEN: 'false' }, ['stored-agent-tokens']],
  ] as const)('since %s with %o include %j', (from, env, expected) => {
    expect(idsOf(from, env)).toEqual(expect.arrayContaining([...expected]));
  });

  it('leave out what does not concern the installation', () => {
    const ids = idsOf('version 1', { NIXFLEET_BASE_URL: 'https://a.example', NIXFLEET_TRUSTED_PROXIES: 'private' });
    for (const id of ['colours-off', 'releases', 'flake-updates', 'proxies', 'public-address-missing', 'log-level']) {
      expect(ids).not.toContain(id);
    }
    expect(ids).not.toContain('stored-agent-tokens');
    expect(new Set(ids).size).toBe(ids.length);
    const later = idsOf('version 3', { NIXFLEET_ALLOW_SHARED_AGENT_TOKEN: 'false' });
    for (const id of ['agents-macos', 'stored-agent-tokens']) expect(later).not.toContain(id);
  });

  it('mention the polling interval only where NIXFLEET_GITHUB_POLL_TTL is not set', () => {
    const repository = { NIXFLEET_GITHUB_REPO: 'ada/nixcfg' };
    const text = (env: Environment) => itemsOf('version 3', env).find(({ id }) => id === 'flake-updates')?.text;
    expect(text(repository)).toContain('every 5 minutes');
    expect(text({ ...repository, NIXFLEET_GITHUB_POLL_TTL: '1h' })).not.toContain('every 5 minutes');
  });

  it('refer to headings that the document has, below the one for their version', () => {
    const sections = sectionsOf(readFileSync(UPGRADE_DOCUMENT, 'utf8'));
    const env = {
      NIXFLEET_GITHUB_REPO: 'ada/nixcfg',
      NIXFLEET_VERSION_URL: 'https://a.example/v.json',
      NIXFLEET_LOG_LEVEL: 'x',
      NIXFLEET_STALE_MINIMUM: '5m',
      NIXFLEET_DEV_MODE: 'true',
      NIXFLEET_TRUSTED_PROXY_IPS: '10.0.0.2',
      NIXFLEET_API_TOKEN: 'a',
      NIXFLEET_AGENT_TOKEN: 'b',
    };
    const items = (['version 1', 'version 3'] as const).flatMap((from) => itemsOf(from, env));
    for (const { section } of items) expect([...sections.keys()]).toContain(section);
    const sectionOf = (from: FormerVersion, id: string) => itemsOf(from, env).find((item) => item.id === id)?.section;
    expect(sectionOf('version 3', 'agents')).toBe('agents');
    expect(sectionOf('version 1', 'agents')).toBe('moving-from-version-1');
    for (const from of ['version 1', 'version 3'] as const) {
      for (const name of ['LOG_LEVEL', 'STALE_MINIMUM'])
        expect(sectionOf(from, `value:NIXFLEET_${name}`), name).toBe('values-that-version-3-accepted');
      for (const name of ['DEV_MODE', 'TRUSTED_PROXY_IPS', 'API_TOKEN'])
        expect(sectionOf(from, `value:NIXFLEET_${name}`), name).toBe('moving-from-version-1');
    }
  });
});

describe('the notice', () => {
  it('disappears once it is marked as read, also after a restart, and records an event', async () => {
    const made = memoryStore();
    const first = await notice({}, made);
    const ids = first.notice.unread().map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(3);
    await first.notice.markRead(ids, BY);
    expect(first.notice.unread()).toEqual([]);
    expect(first.events).toMatchObject([
      { action: 'upgrade-notice.read', actor: 'ada', address: '192.0.2.7', at: 1_000 },
    ]);
    const again = await notice({}, made);
    expect(again.notice.unread()).toEqual([]);
  });

  it('comes back with the new items only', async () => {
    const made = memoryStore();
    const first = await notice({}, made);
    await first.notice.markRead(
      first.notice.unread().map(({ id }) => id),
      BY,
    );
    const later = await notice({ NIXFLEET_RATE_LIMIT: 'x' }, made);
    expect(later.notice.unread().map(({ id }) => id)).toEqual(['value:NIXFLEET_RATE_LIMIT']);
  });

  it('keeps items that were not on the page of the operator who marked it', async () => {
    const { notice: shown, events } = await notice({});
    await shown.markRead(['scripts', 'no such item'], BY);
    expect(shown.unread().map(({ id }) => id)).not.toContain('scripts');
    expect(shown.unread().length).toBeGreaterThan(2);
    await shown.markRead(['scripts'], BY);
    expect(events).toHaveLength(1);
  });

  it('keeps both when two operators mark at the same moment', async () => {
    const made = memoryStore();
    const { notice: shown } = await notice({}, made);
    await Promise.all([shown.markRead(['scripts'], BY), shown.markRead(['agents'], BY)]);
    expect(made.values.get('upgrade-notice.read')).toEqual(['scripts', 'agents']);
  });

  it('stays when the database refuses the write, and can be marked later', async () => {
    const { notice: shown, state, events } = await notice({});
    const before = shown.unread().length;
    state.refuses = true;
    await expect(shown.markRead(['scripts'], BY)).rejects.toThrow('full');
    expect(shown.unread()).toHaveLength(before);
    expect(events).toEqual([]);
    state.refuses = false;
    await shown.markRead(['scripts'], BY);
    expect(shown.unread()).toHaveLength(before - 1);
  });

  it.each([
    [{ backup: 'nixfleet.backup-go-2026.db' }, 'version 3'],
    [{ backup: 'nixfleet.backup-v1-2026.db' }, 'version 1'],
    [null, null],
    ['damaged', null],
  ])('knows from the adoption %j that it was %s', async (adoption, expected) => {
    const { store } = memoryStore(new Map([['adoption', adoption]]));
    expect(await adoptedFrom(store)).toBe(expected);
  });
});
