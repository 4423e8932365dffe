import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { BUILD_OOM_SCORE, killedFirst } from './oom-score';

const PATH = process.env['PATH'] ?? '';

describe.skipIf(process.platform !== 'linux')(
  'a program that is killed before the agent (skipped without Linux)',
  () => {
    /** Its value when it is started by a shell that has run `before`. */
    function valueOf(before: string): string {
      const { program, args } = killedFirst('cat', ['/proc/self/oom_score_adj'], PATH);
      return execFileSync('/bin/sh', ['-c', `${before}; exec "$@"`, 'sh', program, ...args], {
        encoding: 'utf8',
      }).trim();
    }

    it('has a higher value than the agent', () => {
      expect(valueOf(':')).toBe(String(BUILD_OOM_SCORE));
    });

    it('keeps a value that is higher already', () => {
      expect(valueOf('echo 900 >/proc/self/oom_score_adj')).toBe('900');
    });

    it('gets its arguments as they are', () => {
      const { program, args } = killedFirst('printf', ['%s|', 'a b', '$HOME', ''], PATH);
      expect(execFileSync(program, [...args], { encoding: 'utf8' })).toBe('a b|$HOME||');
    });
  },
);

it.each([
  ['where it is not found', 'no-such-program', 'linux'],
  ['on macOS', 'cat', 'darwin'],
] as const)('a program is started itself %s', (_, program, platform) => {
  expect(killedFirst(program, ['x'], PATH, platform)).toEqual({ program, args: ['x'] });
});
