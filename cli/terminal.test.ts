import { expect, it } from 'vitest';
import { harmless } from './terminal';

it('removes terminal control characters from foreign text', () => {
  const name = 'audit\u001b[2J\u001b]0;title\u0007\u009b31m\u202egnp';
  expect(harmless(`PROBLEM  table ${name}\n  see the manual`)).toBe(
    'PROBLEM  table audit\u001b[31m\ufffdgnp\n  see the manual',
  );
});
