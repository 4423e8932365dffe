import { describe, expect, it } from 'vitest';
import { nixProgress, NO_NIX_PROGRESS } from '@/lib/text/nix-progress';
import { NIX_BUILD_OUTPUT } from '@/lib/text/testing/nix-build-output';
import { nixSteps, withReported } from './nix-phase';

const after = (...lines: string[]) => lines.reduce(nixProgress, NO_NIX_PROGRESS);

describe('nixSteps', () => {
  const brief = (steps: ReturnType<typeof nixSteps>) =>
    steps.map((step) => `${step.phase} ${step.state} ${step.count}`);

  it('is empty for output that is not a build', () => {
    expect(nixSteps(after('Already up to date.'), null)).toEqual([]);
  });

  it('shows done, active and waiting steps', () => {
    expect(brief(nixSteps(after(...NIX_BUILD_OUTPUT.slice(0, 9)), null))).toEqual([
      'evaluate done ',
      'fetch active 2 of 3',
      'build active 1 of 2',
      'activate waiting ',
    ]);
  });

  it('leaves out fetch and build when Nix announced none', () => {
    expect(brief(nixSteps(after('building the system configuration...', 'setting up /etc...'), 'done'))).toEqual([
      'evaluate done ',
      'activate done ',
    ]);
  });

  it('shows where a build was interrupted', () => {
    expect(brief(nixSteps(after(...NIX_BUILD_OUTPUT.slice(0, 10)), 'interrupted'))).toEqual([
      'evaluate done ',
      'fetch done 3 of 3',
      'build interrupted 1 of 2',
      'activate waiting ',
    ]);
  });
});

describe('the steps of a switch that is partly done', () => {
  it('end with a warning', () => {
    expect(nixSteps(after(...NIX_BUILD_OUTPUT), 'warned').map(({ phase, state }) => `${phase} ${state}`)).toEqual([
      'evaluate done',
      'fetch done',
      'build done',
      'activate warned',
    ]);
  });
});

describe('withReported', () => {
  const report = (label: string, current = 0, total = 0) => ({ label, current, total });
  const brief = (label: string, current?: number, total?: number) =>
    nixSteps(withReported(after(...NIX_BUILD_OUTPUT.slice(0, 10)), report(label, current, total)), null).map(
      ({ phase, state, count }) => `${phase} ${state} ${count}`,
    );

  it('shows what the agent counts instead of what its output has started', () => {
    expect(brief('Building', 3, 14)).toEqual([
      'evaluate done ',
      'fetch done 3 of 3',
      'build active 3 of 14',
      'activate waiting ',
    ]);
  });

  it('shows the phase before there is any output', () => {
    const phases = (label: string) =>
      nixSteps(withReported(NO_NIX_PROGRESS, report(label, 2, 9)), null).map(
        ({ phase, state, count }) => `${phase} ${state} ${count}`,
      );
    expect(phases('Evaluating')).toEqual(['evaluate active ', 'activate waiting ']);
    expect(phases('Fetching')).toEqual(['evaluate done ', 'fetch active 2 of 9', 'activate waiting ']);
    expect(phases('Activating')).toEqual(['evaluate done ', 'activate active ']);
  });

  it('never goes back to an earlier phase, and ignores other reports', () => {
    const progress = after(...NIX_BUILD_OUTPUT);
    expect(withReported(progress, report('Evaluating')).phase).toBe('activate');
    expect(withReported(progress, report('Switching', 1, 3))).toBe(progress);
    expect(withReported(progress, null)).toBe(progress);
  });
});
