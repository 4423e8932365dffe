import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { shellWord } from './shell-word';

it('leaves a plain path as it is', () => {
  expect(shellWord('/var/lib/nixfleet/data-1.db')).toBe('/var/lib/nixfleet/data-1.db');
});

it.each(['', 'a b', "it's", '$(id)', '`id`', 'a;b', '~', 'a\nb', '"', '\\', '*', "'", '!x'])(
  'gives a shell exactly %j',
  (text) => {
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
  },
);
