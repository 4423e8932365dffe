/** The check detects each kind of broken promise. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { openTestDatabase, type TestDatabase } from '@/lib/store/sqlite/testing/database';
import { testCommand, testEvent, testHost } from '@/lib/store/sqlite/testing/sample-records';
import { findBrokenPromises } from './verify';
import type { OnWire, Promises } from './witness';

let test: TestDatabase;
beforeEach(() => {
  test = openTestDatabase();
  createFleetStore(test.db, test).commit({
    hosts: [testHost('a')],
    commands: [testCommand('c1', 'a', { agentSeq: 5 })],
    events: ['one', 'two', 'three'].map((message) => testEvent(message)),
  });
});
afterEach(() => test.close());

const broken = (promises: Partial<Promises>, onWire: readonly OnWire[] = []) =>
  findBrokenPromises(test.path, { accepted: new Map(), results: new Set(), output: new Map(), ...promises }, onWire);

describe('after a kill', () => {
  it('reports nothing for a complete file', () => {
    const wire = [{ host: 'a', command: 'switch', id: 'c1' }];
    expect(broken({ accepted: new Map([['c1', 'a']]), output: new Map([['c1', 5]]) }, wire)).toEqual([]);
  });

  it.each<[string, Partial<Promises>, OnWire[], RegExp]>([
    ['an accepted command is missing', { accepted: new Map([['c2', 'a']]) }, [], /c2 on a was accepted/],
    ['a command belongs to another host', { accepted: new Map([['c1', 'b']]) }, [], /was accepted for b/],
    ['an acknowledged result is missing', { results: new Set(['c1']) }, [], /result of command c1/],
    ['acknowledged output is missing', { output: new Map([['c1', 6]]) }, [], /acknowledged up to 6; the file has 5/],
    [
      'a command was sent twice',
      {},
      [
        { host: 'a', command: 'switch', id: 'c1' },
        { host: 'a', command: 'switch', id: 'c1' },
      ],
      /c1 .* was sent twice/,
    ],
    ['a command was sent but not stored', {}, [{ host: 'a', command: 'pull', id: 'c9' }], /c9 .* is not in the file/],
    [
      'an agent without ids received more commands than were stored',
      {},
      [{ host: 'a', command: 'pull', id: null }],
      /a received pull 1 times/,
    ],
  ])('reports that %s', (_what, promises, wire, fault) => {
    expect(broken(promises, wire).join('\n')).toMatch(fault);
  });

  it('counts a result that is being verified as stored', () => {
    const client = test.db.$client;
    client.prepare(`update commands set state = '{"phase":"verifying","result":{"status":"ok"}}'`).run();
    expect(broken({ results: new Set(['c1']) })).toEqual([]);
  });

  it('reports lines that are counted but not stored', () => {
    test.db.$client.prepare('update commands set lines = 3').run();
    expect(broken({ output: new Map([['c1', 5]]) })).toEqual(['Command c1 counts 3 lines, but 0 are stored.']);
  });

  it('reports a removed event', () => {
    test.db.$client.prepare('delete from events where id = 2').run();
    expect(broken({}).join()).toMatch(/Event 2 is missing/);
  });

  it('reports a row with an invalid reference', () => {
    test.db.$client.pragma('foreign_keys = off');
    test.db.$client.prepare('delete from hosts').run();
    expect(broken({}).join()).toMatch(/refer to missing rows/);
  });
});
