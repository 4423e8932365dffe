/** The changes between two lock files, for display. Pure. */
import { readFlakeLock, type LockedInput, type LockedInputs } from './flake-lock';
import { FULL_COMMIT } from '@/lib/git/commit-id';
import { MAX_INPUT_CHANGES } from '@/lib/protocol/live/flake-update-constants';
import type { InputChangeView, LockedInputView } from '@/lib/protocol/live/views/flake-update-view';

export interface LockDiff {
  /** The configuration's own inputs first, then those of its inputs, by name. */
  inputs: InputChangeView[];
  /** Further changes, beyond `MAX_INPUT_CHANGES`. */
  more: number;
  /** Why there is no diff, as a sentence; empty when there is one. */
  problem: string;
}

/** Compares two lock files; null stands for a missing file. */
export function diffFlakeLocks(base: string | null, head: string | null): LockDiff {
  if (head === null) return unknown('The pull request removes flake.lock, so its inputs can’t be listed.');
  const before = base === null ? { ok: true as const, inputs: NOTHING } : readFlakeLock(base);
  if (!before.ok) return unknown(`The flake.lock of the branch can’t be compared: ${before.problem}.`);
  const after = readFlakeLock(head);
  if (!after.ok) return unknown(`The flake.lock of the pull request can’t be compared: ${after.problem}.`);
  const changes = changesBetween(before.inputs, after.inputs);
  return {
    inputs: changes.slice(0, MAX_INPUT_CHANGES),
    more: Math.max(0, changes.length - MAX_INPUT_CHANGES),
    problem: '',
  };
}

const NOTHING: LockedInputs = new Map();

function unknown(problem: string): LockDiff {
  return { inputs: [], more: 0, problem };
}

function changesBetween(before: LockedInputs, after: LockedInputs): InputChangeView[] {
  const changes: InputChangeView[] = [];
  for (const [name, to] of after) {
    const from = before.get(name);
    if (from === undefined) {
      // A new input that follows another locks nothing itself.
      if (!to.follows) changes.push({ name, kind: 'added', from: null, to: viewOf(to), compareUrl: '' });
      continue;
    }
    // An input that follows another is reported at the other.
    if (from.identity === to.identity || (from.follows && to.follows)) continue;
    changes.push({ name, kind: 'changed', from: viewOf(from), to: viewOf(to), compareUrl: comparePage(from, to) });
  }
  for (const [name, from] of before) {
    if (after.has(name) || from.follows) continue;
    changes.push({ name, kind: 'removed', from: viewOf(from), to: null, compareUrl: '' });
  }
  return changes.sort((a, b) => depth(a.name) - depth(b.name) || (a.name < b.name ? -1 : 1));
}

const depth = (name: string): number => name.split('/').length;

function viewOf({ rev, ref, lastModified, url }: LockedInput): LockedInputView {
  return { rev, ref, lastModified, url };
}

/** GitHub and GitLab have a page that compares two commits. */
function comparePage(from: LockedInput, to: LockedInput): string {
  if (from.url !== to.url || !FULL_COMMIT.test(from.rev) || !FULL_COMMIT.test(to.rev) || from.rev === to.rev) return '';
  const range = `${from.rev}...${to.rev}`;
  if (to.url.startsWith('https://github.com/')) return `${to.url}/compare/${range}`;
  return to.url.startsWith('https://gitlab.com/') ? `${to.url}/-/compare/${range}` : '';
}
