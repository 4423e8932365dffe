import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NIX_PHASES, nixProgress, nixSteps, NO_NIX_PROGRESS, type NixProgress } from './nix-phase';

const after = (...lines: string[]) => lines.reduce(nixProgress, NO_NIX_PROGRESS);

const BUILD = [
  'building the system configuration...',
  'these 2 derivations will be built:',
  '  /nix/store/1kxmzkpm-etc.drv',
  '  /nix/store/8xq2p9vn-nixos-system.drv',
  'these 3 paths will be fetched (4.21 MiB download, 21.03 MiB unpacked):',
  '  /nix/store/aaaa-git',
  "copying path '/nix/store/aaaa-git' from 'https://cache.nixos.org'...",
  "copying path '/nix/store/bbbb-curl' from 'https://cache.nixos.org'...",
  "building '/nix/store/1kxmzkpm-etc.drv'...",
  "copying path '/nix/store/cccc-jq' from 'https://cache.nixos.org'...",
  "building '/nix/store/8xq2p9vn-nixos-system.drv' on 'ssh://builder'...",
  'activating the configuration...',
  'setting up /etc...',
  'reloading user units for ada...',
  'restarting the following units: nginx.service',
];

describe('nixProgress', () => {
  it('follows a build from evaluation to activation', () => {
    const phases = BUILD.map((_, i) => after(...BUILD.slice(0, i + 1)).phase);
    expect(phases).toEqual([
      ...Array<string>(6).fill('evaluate'),
      'fetch',
      'fetch',
      ...Array<string>(3).fill('build'),
      ...Array<string>(4).fill('activate'),
    ]);
    expect(after(...BUILD)).toEqual({ phase: 'activate', toFetch: 3, fetched: 3, toBuild: 2, built: 2 });
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
    const step = fc.oneof(fc.constantFrom(...BUILD), fc.string());
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

describe('nixSteps', () => {
  const brief = (steps: ReturnType<typeof nixSteps>) =>
    steps.map((step) => `${step.phase} ${step.state} ${step.count}`);

  it('is empty for output that is not a build', () => {
    expect(nixSteps(after('Already up to date.'), false, false)).toEqual([]);
  });

  it('shows done, active and waiting steps', () => {
    expect(brief(nixSteps(after(...BUILD.slice(0, 9)), false, false))).toEqual([
      'evaluate done ',
      'fetch active 2 of 3',
      'build active 1 of 2',
      'activate waiting ',
    ]);
  });

  it('leaves out fetch and build when Nix announced none', () => {
    expect(brief(nixSteps(after('building the system configuration...', 'setting up /etc...'), true, true))).toEqual([
      'evaluate done ',
      'activate done ',
    ]);
  });

  it('shows where a build was interrupted', () => {
    expect(brief(nixSteps(after(...BUILD.slice(0, 10)), true, false))).toEqual([
      'evaluate done ',
      'fetch done 3 of 3',
      'build interrupted 1 of 2',
      'activate waiting ',
    ]);
  });
});
