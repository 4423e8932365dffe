import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../sqlite/testing/database';
import { testHost } from '../sqlite/testing/sample-records';
import { createCallAnswerer } from './answer-call';
import { createStores } from './create-stores';
import type { FromThread } from './thread-messages';

let test: TestDatabase;
beforeEach(() => {
  test = openTestDatabase();
});
afterEach(() => test.close());

function answerOf(port: string, method: string, args: readonly unknown[] = []): FromThread {
  const posted: FromThread[] = [];
  const { answer } = createCallAnswerer(createStores(test.db, test.log));
  answer({ kind: 'call', id: 7, port, method, args }, (message) => posted.push(structuredClone(message)));
  expect(posted).toHaveLength(1);
  return posted[0]!;
}

it('answers with what the method returns', () => {
  expect(answerOf('fleet', 'events', [{ limit: 1 }])).toEqual({ kind: 'answer', id: 7, value: [] });
});

it.each([
  ['fleet', 'missing'],
  ['missing', 'events'],
  ['fleet', 'constructor'],
  ['__proto__', 'toString'],
])('refuses %s.%s, which is no method of a store', (port, method) => {
  expect(answerOf(port, method)).toMatchObject({
    kind: 'refusal',
    id: 7,
    error: { message: `The store has no method ${port}.${method}.` },
  });
});

it('refuses with the error of the method', () => {
  test.db.$client.pragma('query_only = ON');
  expect(answerOf('fleet', 'commit', [{ hosts: [testHost('a')] }])).toMatchObject({
    kind: 'refusal',
    id: 7,
    error: { name: 'DatabaseError', kind: 'read-only', code: 'SQLITE_READONLY' },
  });
  test.db.$client.pragma('query_only = OFF');
});

it('refuses a call whose answer can’t be sent', () => {
  const stores = createStores(test.db, test.log);
  const { answer } = createCallAnswerer({ ...stores, settings: { ...stores.settings, get: () => () => undefined } });
  const posted: FromThread[] = [];
  answer({ kind: 'call', id: 7, port: 'settings', method: 'get', args: ['x'] }, (message) =>
    posted.push(structuredClone(message)),
  );
  expect(posted).toMatchObject([
    { kind: 'refusal', id: 7, error: { message: expect.stringContaining('cloned') as string } },
  ]);
});
