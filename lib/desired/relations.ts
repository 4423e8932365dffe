/** Relations of hosts' commits to the target: answered at once from memory, computed one by one in the background. */
import type { HostRelation } from '@/lib/fleet/hosts/desired';

/** A fleet runs a handful of commits; the limit is for agents that send garbage. */
const MAX_COMMITS = 1_000;
/** Commits compared to a new target before it is announced, so that no host becomes unknown in between. */
const MAX_COMPARED_BEFOREHAND = 100;

const UNKNOWN: HostRelation = { relation: 'unknown', commits: null };
const EQUAL: HostRelation = { relation: 'equal', commits: 0 };

export interface RelationsOptions {
  compare: (target: string, commit: string) => Promise<HostRelation>;
  /** A relation became known or changed. */
  changed: () => void;
  /** A commit is not in the repository; called once per commit. */
  missed: () => void;
  failed: (error: unknown) => void;
}

interface Entry {
  relation: HostRelation;
  state: 'waiting' | 'compared';
  missed: boolean;
}

export interface Relations {
  get(commit: string): HostRelation;
  /** Notes a host's commit that equals the target, so that `prepare` compares it to the next one. */
  noteEqual(commit: string): void;
  /**
   * Compares the known commits to a target after a fetch. The returned function makes `get` return the results; call it
   * together with announcing the target.
   */
  prepare(target: string): Promise<() => void>;
}

export function createRelations({ compare, changed, missed, failed }: RelationsOptions): Relations {
  const entries = new Map<string, Entry>();
  let target = '';
  let working = false;

  /** Null when the comparison failed. */
  async function tryCompare(of: string, commit: string): Promise<HostRelation | null> {
    try {
      return await compare(of, commit);
    } catch (error) {
      failed(error);
      return null;
    }
  }

  async function work(): Promise<void> {
    if (working) return;
    working = true;
    let hasChanged = false;
    try {
      for (;;) {
        const next = [...entries].find(([, entry]) => entry.state === 'waiting');
        if (next === undefined) break;
        const [commit, entry] = next;
        entry.state = 'compared';
        const of = target;
        const relation = await tryCompare(of, commit);
        // The target changed meanwhile: `prepare` compared it, or the next `get` will.
        if (of !== target || relation === null) continue;
        entry.relation = relation;
        if (relation.relation !== 'unknown') hasChanged = true;
        else if (!entry.missed) {
          entry.missed = true;
          missed();
        }
      }
    } finally {
      working = false;
    }
    if (hasChanged) changed();
  }

  /** Stores an entry as the most recently used one. */
  function remember(commit: string, entry: Entry): void {
    entries.delete(commit);
    entries.set(commit, entry);
    if (entries.size <= MAX_COMMITS) return;
    const [oldest] = entries.keys();
    if (oldest !== undefined) entries.delete(oldest);
  }

  return {
    get(commit) {
      const known = entries.get(commit);
      if (known !== undefined) {
        remember(commit, known);
        return known.relation;
      }
      if (target === '') return UNKNOWN;
      remember(commit, { relation: UNKNOWN, state: 'waiting', missed: false });
      void work();
      return UNKNOWN;
    },

    noteEqual(commit) {
      remember(commit, entries.get(commit) ?? { relation: EQUAL, state: 'compared', missed: false });
    },

    async prepare(next) {
      const open = [...entries]
        .filter(([, entry]) => next !== target || entry.relation.relation === 'unknown')
        .slice(-MAX_COMPARED_BEFOREHAND);
      const compared: [string, Entry][] = [];
      for (const [commit, { missed }] of open) {
        const relation = await tryCompare(next, commit);
        if (relation !== null) compared.push([commit, { relation, state: 'compared', missed }]);
      }
      return () => {
        if (next !== target) entries.clear();
        target = next;
        for (const [commit, entry] of compared) remember(commit, entry);
      };
    },
  };
}
