/** The notice about what is different since an earlier version: shown until an operator has marked it as read for all. */
import { z } from 'zod';
import type { SettingsStore } from '@/lib/auth/agents/agent-ports';
import { byOperator, NOBODY } from '@/lib/fleet/events';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { Requester } from '@/lib/fleet/records/requests';
import type { FormerVersion, UpgradeNote } from './upgrade-notes';

const READ_KEY = 'upgrade-notice.read';
/** Written by an adoption (`lib/store/sqlite/adoption-record.ts`). The name of the copy says which dashboard wrote it. */
const ADOPTION_KEY = 'adoption';
const adoptionSchema = z.object({ backup: z.string() });

export interface UpgradeNotice {
  /** Null: no earlier version is known, and all items are environment values that are not used as written. */
  readonly from: FormerVersion | null;
  /** The items that no operator has marked as read yet. */
  unread(): readonly UpgradeNote[];
  /** Marks these as read, for everybody and for ever. Rejects when the database refuses; then nothing has changed. */
  markRead(ids: readonly string[], by: Requester): Promise<void>;
}

/** The dashboard whose database was adopted; null when none was. */
export async function adoptedFrom(store: SettingsStore): Promise<FormerVersion | null> {
  const { data } = adoptionSchema.safeParse(await store.get(ADOPTION_KEY));
  if (data === undefined) return null;
  return data.backup.includes('.backup-v1-') ? 'version 1' : 'version 3';
}

export async function createUpgradeNotice(parts: {
  store: SettingsStore;
  from: FormerVersion | null;
  items: readonly UpgradeNote[];
  record: (event: NewEvent) => Promise<unknown>;
  now: () => number;
}): Promise<UpgradeNotice> {
  const { store, from, items, record, now } = parts;
  const read = new Set(z.array(z.string()).safeParse(await store.get(READ_KEY)).data);
  const unread = () => items.filter(({ id }) => !read.has(id));
  let writing: Promise<unknown> = Promise.resolve();

  async function mark(ids: readonly string[], by: Requester): Promise<void> {
    const at = now();
    const added = unread().filter(({ id }) => ids.includes(id));
    if (added.length === 0) return;
    await store.set(READ_KEY, [...read, ...added.map(({ id }) => id)], at);
    for (const { id } of added) read.add(id);
    const titles = added.map(({ title }) => title);
    await record({ ...NOBODY, ...byOperator(by), at, action: 'upgrade-notice.read', params: { titles } });
  }

  return {
    from,
    unread,
    markRead(ids, by) {
      // One after the other: each writes the whole list.
      const done = writing.then(() => mark(ids, by));
      writing = done.catch(() => undefined);
      return done;
    },
  };
}
