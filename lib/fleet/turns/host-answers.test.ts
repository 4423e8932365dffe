import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DatabaseError } from '@/lib/store/sqlite/store-errors';
import { BY, openBench, QUIET, type Bench } from '../testing/test-fleet';

const N = 20;
const names = Array.from({ length: N }, (_, n) => `h${n}`);

describe('in the fleet, answers of many hosts', () => {
  let bench: Bench;
  let commits: number;
  beforeEach(async () => {
    bench = await openBench();
    const commit = bench.store.commit.bind(bench.store);
    bench.store.commit = (writes) => {
      commits += 1;
      return commit(writes);
    };
  });
  afterEach(() => bench.close());

  async function pullAll() {
    const links = await Promise.all(names.map((name) => bench.agent(name)));
    const request = { operation: 'pull', hostIds: names, requestId: 'pull', by: BY } as const;
    const results = await bench.fleet.dispatch(request);
    const ids = results.map((result) => (result.kind === 'accepted' ? result.commandId : ''));
    commits = 0;
    return { links, ids };
  }
  const RESULT = { status: 'ok', command: 'pull', exit_code: 0 };

  it('share a few transactions, and each takes effect', async () => {
    const { links, ids } = await pullAll();
    await Promise.all(
      links.flatMap((link) => [
        bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' }),
        bench.say(link, 'status', RESULT),
        bench.say(link, 'heartbeat', QUIET),
      ]),
    );
    expect(commits).toBe(3);
    for (const id of ids) expect(await bench.fleet.command(id)).toMatchObject({ outcome: 'unchanged' });
    for (const name of names) expect(bench.fleet.host(name)?.command).toBeNull();
  });

  it('are not published before they are stored', async () => {
    const { links, ids } = await pullAll();
    let atCommit: (string | undefined)[] = [];
    const commit = bench.store.commit.bind(bench.store);
    bench.store.commit = async (writes) => {
      const stored = await commit(writes);
      atCommit = names.map((name) => bench.fleet.host(name)?.command?.phase);
      return stored;
    };
    await Promise.all(links.map((link) => bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' })));
    expect(new Set(atCommit)).toEqual(new Set(['sent']));
    for (const id of ids) expect((await bench.fleet.command(id))?.phase).toBe('running');
  });

  it('are kept while the database refuses, and processed afterwards', async () => {
    const { links, ids } = await pullAll();
    const commit = bench.store.commit.bind(bench.store);
    bench.store.commit = () => Promise.reject(new DatabaseError('disk-full', 'The disk is full.'));
    await Promise.all(links.map((link) => bench.say(link, 'status', { ...RESULT, status: 'error', exit_code: 1 })));
    for (const id of ids) expect((await bench.fleet.command(id))?.phase).toBe('sent');
    bench.store.commit = commit;
    await bench.advance(5_000);
    for (const link of links) await bench.say(link, 'heartbeat', QUIET);
    for (const id of ids) expect((await bench.fleet.command(id))?.outcome).toBe('failed');
  });

  it('are stored when the dashboard stops', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('pull');
    void bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    await bench.fleet.stop();
    expect((await bench.store.command(id))?.state.phase).toBe('running');
  });

  it('are acknowledged after they are stored', async () => {
    const link = await bench.agent('h1', { protocol: 3, instance: 'a', running: null, finished: [] });
    const id = await bench.dispatch('pull');
    const commit = bench.store.commit.bind(bench.store);
    let framesAtCommit: string[] = [];
    bench.store.commit = async (writes) => {
      const stored = await commit(writes);
      framesAtCommit = link.frames.map(({ type }) => type);
      return stored;
    };
    await bench.say(link, 'status', { ...RESULT, command_id: id, last_seq: 0 });
    expect(framesAtCommit).not.toContain('ack');
    expect(link.frames).toContainEqual({ type: 'ack', payload: { command_id: id, result: true } });
  });

  it('come before the end of their connection', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('pull');
    void bench.say(link, 'status', { status: 'error', command: 'pull', exit_code: 1 });
    await bench.hangUp(link);
    expect(await bench.fleet.command(id)).toMatchObject({ phase: 'verifying' });
  });
});
