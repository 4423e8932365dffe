import { expect, it } from 'vitest';
import { createThreadLog } from './thread-log';
import type { FromThread } from './thread-messages';

function linesOf(write: (log: ReturnType<typeof createThreadLog>) => void): FromThread[] {
  const posted: FromThread[] = [];
  write(createThreadLog((message) => posted.push(structuredClone(message))));
  return posted;
}

it('sends the level, fields and message of each line', () => {
  const error = new Error('broken');
  const lines = linesOf((log) => {
    log.warn({ problem: 'x', err: error }, 'one');
    log.info('two');
  });
  expect(lines).toEqual([
    { kind: 'log', level: 'warn', fields: { problem: 'x', err: error }, message: 'one' },
    { kind: 'log', level: 'info', fields: {}, message: 'two' },
  ]);
});

it('sends the names of fields that can’t be cloned', () => {
  const lines = linesOf((log) => log.error({ problem: 'x', run: () => undefined }, 'failed'));
  expect(lines).toEqual([{ kind: 'log', level: 'error', fields: { fields: ['problem', 'run'] }, message: 'failed' }]);
});
