import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFleetStore } from './fleet-store';
import { openTestDatabase, type TestDatabase } from './testing/database';
import { testHost, testPipeline, testPipelineHost } from './testing/sample-records';
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

describe('pipelines in the store', () => {
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
