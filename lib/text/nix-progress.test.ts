import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NIX_PHASES, nixProgress, NO_NIX_PROGRESS, type NixProgress } from './nix-progress';
import { NIX_BUILD_OUTPUT } from './testing/nix-build-output';

const after = (...lines: string[]) => lines.reduce(nixProgress, NO_NIX_PROGRESS);

describe('nixProgress', () => {
  it('follows a build from evaluation to activation', () => {
    const phases = NIX_BUILD_OUTPUT.map((_, i) => after(...NIX_BUILD_OUTPUT.slice(0, i + 1)).phase);
    expect(phases).toEqual([
      ...Array<string>(6).fill('evaluate'),
      'fetch',
      'fetch',
      ...Array<string>(3).fill('build'),
      ...Array<string>(4).fill('activate'),
    ]);
    expect(after(...NIX_BUILD_OUTPUT)).toEqual({ phase: 'activate', toFetch: 3, fetched: 3, toBuild: 2, built: 2 });
  });

  it.each([
    ["evaluating derivation 'path:/etc/nixos#nixosConfigurations.web'...", { phase: 'evaluate' }],
    ['this derivation will be built:', { phase: 'evaluate', toBuild: 1 }],
    ['this path will be fetched (0.01 MiB download, 0.05 MiB unpacked):', { phase: 'evaluate', toFetch: 1 }],
    ['Starting Home Manager activation', { phase: 'activate' }],
    ['setting up user launchd services...', { phase: 'activate' }],
    ['reloading the following units: dbus.service', { phase: 'activate' }],
  ])('recognises "%s"', (line, expected) => {
    expect(after(line)).toMatchObject(expected);
  });

  it.each([
    '',
    'hello',
    'copying files',
    'building a shed',
    "error: building of '/nix/store/x.drv' failed",
    'activating',
  ])('ignores "%s"', (line) => {
    expect(nixProgress(NO_NIX_PROGRESS, line)).toBe(NO_NIX_PROGRESS);
  });

  it('takes over what the agent counted: a started build may not be done', () => {
    const started = after("building '/nix/store/a.drv'...", "building '/nix/store/b.drv'...");
    expect(nixProgress(started, 'Built 1 of 14 derivations')).toMatchObject({ phase: 'build', built: 1, toBuild: 14 });
    expect(after('Fetched 12 of 40 paths')).toMatchObject({ phase: 'fetch', fetched: 12, toFetch: 40 });
    expect(after('Fetched 1 of 1 path', 'Built 9 of 3 derivations')).toMatchObject({
      toFetch: 1,
      built: 3,
      toBuild: 3,
    });
  });

  it('adds up several announcements of one command', () => {
    const state = after(
      'this derivation will be built:',
      "building '/nix/store/a.drv'...",
      'these 2 derivations will be built:',
      "building '/nix/store/b.drv'...",
    );
    expect(state).toMatchObject({ toBuild: 3, built: 2 });
  });

  it('never goes back and never counts more than was announced', () => {
    const step = fc.oneof(fc.constantFrom(...NIX_BUILD_OUTPUT), fc.string());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (lines) => {
        let state: NixProgress = NO_NIX_PROGRESS;
        for (const line of lines) {
          const next = nixProgress(state, line);
          const rank = (progress: NixProgress) => (progress.phase ? NIX_PHASES.indexOf(progress.phase) : -1);
          expect(rank(next)).toBeGreaterThanOrEqual(rank(state));
          expect(next.built).toBeGreaterThanOrEqual(state.built);
          expect(next.built).toBeLessThanOrEqual(next.toBuild);
          expect(next.fetched).toBeLessThanOrEqual(next.toFetch);
          state = next;
        }
      }),
    );
  });
});
