/** How hosts' commits stand to the target: answered at once from memory, found out one after another behind it. */
import type { HostRelation } from '@/lib/fleet/hosts/desired';

/** A fleet runs a handful of commits; the bound is for agents that send nonsense. */
const MAX_COMMITS = 1_000;
/** So many are told for a new target before it is announced, so that no host turns grey in between. */
const MAX_TOLD_BEFOREHAND = 100;

const UNKNOWN: HostRelation = { relation: 'unknown', commits: null };
const EQUAL: HostRelation = { relation: 'equal', commits: 0 };

export interface RelationsOptions {
  compare: (target: string, commit: string) => Promise<HostRelation>;
  /** A relation became known or changed. */
  changed: () => void;
  /** A commit is not in the repository: called once for each. */
  missed: () => void;
  failed: (error: unknown) => void;
}

interface Entry {
  relation: HostRelation;
  state: 'waiting' | 'told';
  missed: boolean;
}

export interface Relations {
  get(commit: string): HostRelation;
  /** Notes a host's commit that is the target, so that `prepare` tells how it stands to the next one. */
  noteEqual(commit: string): void;
  /**
   * Finds out how the known commits stand to a target after a fetch. What it returns makes that the answer of `get`,
   * to be called together with announcing the target.
   */
  prepare(target: string): Promise<() => void>;
}

export function createRelations({ compare, changed, missed, failed }: RelationsOptions): Relations {
  const entries = new Map<string, Entry>();
  let target = '';
  let working = false;

  /** Null where it could not be told. */
  async function tell(of: string, commit: string): Promise<HostRelation | null> {
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
    let news = false;
    try {
      for (;;) {
        const next = [...entries].find(([, entry]) => entry.state === 'waiting');
        if (next === undefined) break;
        const [commit, entry] = next;
        entry.state = 'told';
        const of = target;
        const relation = await tell(of, commit);
        // The target moved meanwhile: `prepare` has answered for it, or the next `get` asks again.
        if (of !== target || relation === null) continue;
        entry.relation = relation;
        if (relation.relation !== 'unknown') news = true;
        else if (!entry.missed) {
          entry.missed = true;
          missed();
        }
      }
    } finally {
      working = false;
    }
    if (news) changed();
  }

  /** Puts a commit last in line for being forgotten. */
  function keep(commit: string, entry: Entry): void {
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
        keep(commit, known);
        return known.relation;
      }
      if (target === '') return UNKNOWN;
      keep(commit, { relation: UNKNOWN, state: 'waiting', missed: false });
      void work();
      return UNKNOWN;
    },

    noteEqual(commit) {
      keep(commit, entries.get(commit) ?? { relation: EQUAL, state: 'told', missed: false });
    },

    async prepare(next) {
      const open = [...entries]
        .filter(([, entry]) => next !== target || entry.relation.relation === 'unknown')
        .slice(-MAX_TOLD_BEFOREHAND);
      const told: [string, Entry][] = [];
      for (const [commit, { missed }] of open) {
        const relation = await tell(next, commit);
        if (relation !== null) told.push([commit, { relation, state: 'told', missed }]);
      }
      return () => {
        if (next !== target) entries.clear();
        target = next;
        for (const [commit, entry] of told) keep(commit, entry);
      };
    },
  };
}
