import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFleetStore } from './fleet-store';
import { openTestDatabase, type TestDatabase } from './testing/database';
import { testCommand, testEvent, testHost, testPipeline, testPipelineHost } from './testing/sample-records';
import type { Direct } from './later';
import type { FleetStore } from '@/lib/fleet/records/store-port';

let test: TestDatabase;
let store: Direct<FleetStore>;

beforeEach(() => {
  test = openTestDatabase();
  store = createFleetStore(test.db, test);
  store.commit({ hosts: [testHost('a'), testHost('b')] });
});
afterEach(() => test.close());

function restart(): void {
  store = createFleetStore(test.reopen(), test);
}

const ended = { phase: 'ended', outcome: 'partial', reason: '1 done, 1 failed.', endedAt: 9_000 } as const;

describe('pipelines in the store', () => {
  it('are loaded after a restart as they were stored, with hosts in order, and are updated in place', () => {
    const pipeline = testPipeline('p', {
      kind: 'merge-deploy',
      stages: ['merge-pr', 'pull'],
      args: { pullRequest: 7 },
      parallelism: 1,
      stopOnFailure: true,
      forced: true,
      state: {
        prelude: { status: 'done', startedAt: 1, endedAt: 2, reason: '#7 was merged.' },
        halt: { cause: 'failure', reason: 'b failed.' },
      },
    });
    const first = testPipelineHost('p', 'b', {
      status: 'failed',
      commandId: 'c',
      reason: 'Pull: failed.',
      steps: [{ status: 'failed', startedAt: 3, endedAt: 4, commandId: 'c', outcome: 'failed', reason: 'No.' }],
    });
    const second = testPipelineHost('p', 'a', {
      position: 1,
      status: 'running',
      steps: [{ status: 'waiting', since: 5, until: 6, reason: 'a is busy.' }],
    });
    store.commit({ pipelines: [pipeline], pipelineHosts: [second, first] });
    restart();
    expect(store.unendedPipelines()).toEqual([{ pipeline, hosts: [first, second] }]);
    expect(store.pipelineByRequest('request-p')?.pipeline.id).toBe('p');
    expect(store.pipelineByRequest('another')).toBeNull();

    const done = { ...second, status: 'done', steps: [] } as const;
    store.commit({ pipelines: [{ ...pipeline, ...ended }], pipelineHosts: [done] });
    expect(store.unendedPipelines()).toEqual([]);
    expect(store.pipeline('p')).toEqual({ pipeline: { ...pipeline, ...ended }, hosts: [first, done] });
  });

  it('are listed newest first with their counts', () => {
    store.commit({
      pipelines: [testPipeline('old', { createdAt: 1, ...ended }), testPipeline('new', { createdAt: 2 })],
      pipelineHosts: [
        testPipelineHost('old', 'a', { status: 'done' }),
        testPipelineHost('old', 'b', { position: 1, status: 'failed' }),
        testPipelineHost('new', 'a'),
      ],
    });
    expect(store.pipelines(5).map(({ pipeline, counts }) => [pipeline.id, counts])).toEqual([
      ['new', { waiting: 1, running: 0, done: 0, failed: 0, skipped: 0 }],
      ['old', { waiting: 0, running: 0, done: 1, failed: 1, skipped: 0 }],
    ]);
    expect(store.pipelines(1)).toHaveLength(1);
  });

  it('are stored together with the commands and events that they cause, or not at all', () => {
    const step = { status: 'running', startedAt: 1, commandId: 'c' } as const;
    const writes = {
      pipelines: [testPipeline('p')],
      pipelineHosts: [testPipelineHost('p', 'a', { status: 'running', commandId: 'c', steps: [step] })],
      events: [testEvent('started')],
    };
    // A command of an unknown host violates a constraint.
    expect(() => store.commit({ ...writes, commands: [testCommand('c', 'nobody')] })).toThrow();
    expect(store.pipeline('p')).toBeNull();
    expect(store.events({ limit: 5 })).toEqual([]);
    store.commit({ ...writes, commands: [testCommand('c', 'a', { pipelineId: 'p', requestId: 'p:0' })] });
    expect(store.commandsByRequest('p:0', ['a'])).toMatchObject([{ id: 'c', pipelineId: 'p' }]);
    expect(store.pipeline('p')?.hosts[0]?.steps).toEqual([step]);
  });

  it('are unique per request: a second row is refused', () => {
    store.commit({ pipelines: [testPipeline('p', { requestId: 'r' })] });
    expect(() => store.commit({ pipelines: [testPipeline('q', { requestId: 'r' })] })).toThrow();
    expect(store.pipelines(5)).toHaveLength(1);
  });

  it('that cannot be read are stored as ended; a host whose steps cannot be read has failed', () => {
    store.commit({
      pipelines: [testPipeline('p'), testPipeline('q')],
      pipelineHosts: [testPipelineHost('q', 'a', { status: 'running' })],
    });
    test.db.$client.exec(`update pipelines set stages = '["dance"]' where id = 'p';
      update pipeline_hosts set steps = '{' where pipeline_id = 'q'`);
    const [run, ...others] = store.unendedPipelines();
    expect(others).toEqual([]);
    expect(run?.pipeline.id).toBe('q');
    expect(run?.hosts[0]).toMatchObject({ status: 'failed', steps: [] });
    const row = test.db.$client.prepare(`select phase, outcome from pipelines where id = 'p'`).get();
    expect(row).toEqual({ phase: 'ended', outcome: 'failed' });
    expect(test.logged.join('\n')).toContain('Table pipelines, row p, column stages');
  });
});
