/** Sample flake updates for tests. */
import type { FlakeUpdateView, InputChangeView } from '@/lib/protocol/live/views/flake-update-view';

export function anInput(change: Partial<InputChangeView> = {}): InputChangeView {
  const side = (rev: string, lastModified: number) => ({ rev, ref: '', lastModified, url: 'https://example.org/r' });
  return {
    name: 'nixpkgs',
    kind: 'changed',
    from: side('a'.repeat(40), 1_760_000_000_000),
    to: side('b'.repeat(40), 1_760_086_400_000),
    compareUrl: '',
    ...change,
  };
}

export function aFlakeUpdate(change: Partial<FlakeUpdateView> = {}): FlakeUpdateView {
  return {
    number: 42,
    title: 'flake.lock: Update',
    url: 'https://example.org/pulls/42',
    author: 'flake-bot',
    createdAt: 1_760_090_000_000,
    base: 'main',
    head: 'update',
    headSha: 'c'.repeat(40),
    mergeable: true,
    blocked: '',
    checks: { status: 'passed', passed: 1, running: 0, failed: 0 },
    inputs: [anInput()],
    moreInputs: 0,
    inputsProblem: '',
    ...change,
  };
}
