import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTask } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createFleetStore } from '../sqlite/fleet-store';
import { closeDatabase, openDatabase } from '../sqlite/open-database';
import { errorCode } from '../sqlite/store-errors';
import { makeTestFolder, openTestDatabase } from '../sqlite/testing/database';
import { endedCommand, testEvent, testHost, testOutput, textOf } from '../sqlite/testing/sample-records';
import { openInThread } from './open-in-thread';
import { startWorker } from './start-worker';
import { createThreadLog } from './thread-log';
import { ThreadLink } from './thread-link';
import { openTestEngine, startSilentWorker, type TestEngine } from './testing/engines';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function open(options: Parameters<typeof openTestEngine>[0] = {}): Promise<TestEngine> {
  const opened = await openTestEngine(options);
  cleanUps.push(() => opened.close());
  return opened;
}

/** For tests that need nothing special of it: a start takes a while. */
let shared: TestEngine;
beforeAll(async () => {
  shared = await openTestEngine();
});
afterAll(() => shared.close());

const ofKind = (kind: string) => expect.objectContaining({ name: 'DatabaseError', kind }) as Error;
const settled = <T>(calls: readonly Promise<T>[]) => Promise.allSettled(calls);
const events = (count: number) => Array.from({ length: count }, (_, index) => testEvent(`event ${index}`));

describe('calls of stores in a thread', () => {
  it('are answered in the order in which they were made, over all ports', async () => {
    const { engine } = shared;
    const order: number[] = [];
    const calls = Array.from({ length: 120 }, (_, number) => {
      const call: Promise<unknown> =
        number % 3 === 0
          ? engine.fleet.commit({ hosts: [testHost(`host-${number}`)] })
          : number % 3 === 1
            ? engine.settings.set('number', number, 0)
            : engine.settings.get('number').then((value) => expect(value).toBe(number - 1));
      return call.then(() => order.push(number));
    });
    await Promise.all(calls);
    expect(order).toEqual(Array.from({ length: 120 }, (_, number) => number));
    expect((await engine.fleet.load()).hosts.filter(({ name }) => name.startsWith('host-'))).toHaveLength(40);
  });

  it('read every commit that was answered before, although another thread reads', async () => {
    const { engine } = shared;
    await engine.fleet.commit({ hosts: [testHost('a')], commands: [endedCommand('long', 'a', 3_000)] });
    for (let number = 1; number <= 200; number += 1) {
      await engine.fleet.commit({
        output: [testOutput('long', number * 2 - 1, number * 2)],
        events: [testEvent(`event ${number}`)],
      });
      const [lines, newest] = await Promise.all([
        engine.fleet.output('long', number * 2 - 2, 10),
        engine.fleet.events({ limit: 1 }),
      ]);
      expect(lines.map(({ seq }) => seq)).toEqual([number * 2 - 1, number * 2]);
      expect(newest.map(textOf)).toEqual([`event ${number}`]);
    }
  });

  it('start the reader with the first long read, and no second one', async () => {
    const started: string[] = [];
    const { engine } = await open({
      startWorker(file, role) {
        started.push(role);
        return startWorker(file, role);
      },
    });
    await engine.fleet.commit({ events: events(1) });
    expect(started).toEqual(['writer']);
    const read = await Promise.all([engine.fleet.events({ limit: 1 }), engine.fleet.events({ limit: 1 })]);
    expect(read.map(([event]) => event?.id)).toEqual([1, 1]);
    expect(started).toEqual(['writer', 'reader']);
  });

  it('give what the stores return: records, null, and nothing', async () => {
    const { engine } = shared;
    expect(await engine.fleet.command('missing')).toBeNull();
    await engine.settings.remove('missing');
    const host = testHost('ä', { generation: '\u2028"' });
    await engine.fleet.commit({ hosts: [host] });
    expect((await engine.fleet.load()).hosts).toContainEqual(host);
    await engine.auth.ensureUser({ id: 'operator', name: 'operator' }, 1);
    expect(await engine.auth.user('operator')).toMatchObject({ name: 'operator', passwordHash: null });
    expect(await engine.agentTokens.tokens()).toEqual([]);
    expect(await engine.maintenance.checkWritable()).toEqual({ kind: 'writable' });
    expect((await engine.maintenance.appliedMigrations()).length).toBeGreaterThan(0);
  });

  it('count as outstanding until they are answered', async () => {
    const { engine } = shared;
    const calls = [engine.fleet.commit({ events: events(1) }), engine.fleet.events({ limit: 1 })];
    expect(engine.vitals().outstanding).toBe(2);
    await Promise.all(calls);
    expect(engine.vitals()).toEqual({ outstanding: 0, oldestMs: 0 });
  });

  it('get older while the thread does not answer', async () => {
    const { engine } = await open({ startWorker: startSilentWorker, stopWithinMs: 1 });
    void engine.fleet.commit({}).catch(() => undefined);
    const before = engine.vitals().oldestMs;
    await nextTask();
    expect(engine.vitals().oldestMs).toBeGreaterThan(before);
  });
});

describe('a long read', () => {
  it('is answered while the writer waits for its disk', async () => {
    const { engine } = await open({
      startWorker: (file, role) => (role === 'writer' ? startSilentWorker() : startWorker(file, role)),
      stopWithinMs: 1,
    });
    void engine.fleet.commit({ events: events(1) }).catch(() => undefined);
    const reads = Promise.all([
      engine.fleet.output('none', 0, 1),
      engine.fleet.commandsOf('none', 1),
      engine.fleet.pipelines(1),
    ]);
    // Rejects, if at all, when the thread is stopped; what shows a read that waits is the number below.
    reads.catch(() => undefined);
    expect(await engine.fleet.events({ limit: 1 })).toEqual([]);
    expect(engine.vitals().outstanding).toBe(1);
    expect(await reads).toEqual([[], [], []]);
  });
});

describe('a refused call', () => {
  it('rejects with the kind and the sentence of the store, and writes nothing', async () => {
    const { engine } = shared;
    await engine.fleet.commit({ hosts: [testHost('a')], commands: [endedCommand('c', 'a', 3_000)] });
    const gap = { commandId: 'c', lines: [...testOutput('c', 1, 1).lines, ...testOutput('c', 3, 3).lines] };
    await expect(engine.fleet.commit({ output: [gap], events: [testEvent('gap', { hostId: 'a' })] })).rejects.toEqual(
      ofKind('constraint'),
    );
    await expect(engine.fleet.commit({ output: [gap] })).rejects.toThrow('has a gap in the batch from line 1');
    expect(await engine.fleet.events({ hostId: 'a', limit: 1 })).toEqual([]);
  });

  it('keeps the code of SQLite', async () => {
    const { engine } = shared;
    const session = {
      idHash: 'x',
      createdAt: 0,
      lastSeenAt: 0,
      expiresAt: 0,
      address: '',
      userAgent: '',
      deviceId: '',
    };
    const refused: unknown = await engine.auth
      .addSession({ ...session, userId: 'nobody' })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Error);
    expect(errorCode(refused)).toBe('SQLITE_CONSTRAINT_FOREIGNKEY');
  });

  it('rejects with "disk-full" on a full disk, and the next one is stored when there is room again', async ({
    skip,
  }) => {
    const { folder, remove } = makeTestFolder();
    cleanUps.push(remove);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', folder]).status === 0;
    if (!mounted) skip('mounting is not allowed here');
    cleanUps.push(() => execFileSync('umount', [folder]));
    const { engine } = await open({ where: folder });
    const ballast = join(folder, 'ballast');
    expect(() => writeFileSync(ballast, Buffer.alloc(4_000_000))).toThrow(/ENOSPC/);
    await expect(engine.fleet.commit({ events: events(2_000) })).rejects.toEqual(ofKind('disk-full'));
    expect(await engine.maintenance.checkWritable()).toMatchObject({ kind: 'refused' });
    rmSync(ballast);
    await engine.fleet.commit({ events: events(1) });
    expect(await engine.fleet.events({ limit: 10 })).toHaveLength(1);
  });

  it('rejects when an argument can’t be sent, and leaves nothing outstanding', async () => {
    const { engine } = shared;
    await expect(engine.settings.set('f', () => 1, 0)).rejects.toThrow('could not be cloned');
    expect(engine.vitals().outstanding).toBe(0);
    expect(await engine.settings.get('f')).toBeNull();
  });

  it('rejects with "busy" beyond the limit of outstanding calls, and is logged', async () => {
    const { engine, test } = await open({ maxOutstanding: 3 });
    const calls = Array.from({ length: 5 }, () => engine.fleet.commit({ events: events(1) }));
    const results = await settled(calls);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(results[3]).toMatchObject({ reason: { kind: 'busy' } });
    expect(test.logged.join('')).toContain('too many calls wait for the database');
    await engine.fleet.commit({ events: events(1) });
    expect(await engine.fleet.events({ limit: 10 })).toHaveLength(4);
  });
});

describe('the thread', () => {
  it('logs through the log of the main thread', async () => {
    const database = openTestDatabase();
    const store = createFleetStore(database.db, database);
    const commands = [endedCommand('c', 'a', 3_000)];
    store.commit({ hosts: [testHost('a')], commands, output: [testOutput('c', 1, 2)] });
    database.db.$client.exec("update command_output set lines = 'not json'");
    const { engine, test } = await open({ test: database });
    await engine.fleet.output('c', 0, 10);
    const line = test.logged.find((logged) => logged.includes("stored value can't be read"));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 'error', problem: expect.any(String) as string });
  });

  it('prints nothing: what a library prints is logged', async () => {
    const worker = new Worker("console.log('printed')", { eval: true, stdout: true, stderr: true });
    const line = await new Promise((resolve) => {
      new ThreadLink(worker, { role: 'reader', log: createThreadLog(resolve), onDeath: () => undefined });
    });
    expect(line).toMatchObject({ level: 'warn', fields: { thread: 'reader', line: 'printed' } });
  });

  it('rejects what it has not answered when it dies, and everything after it', async () => {
    const workers: ReturnType<typeof startSilentWorker>[] = [];
    const { engine, deaths, death } = await open({
      startWorker() {
        const worker = startSilentWorker();
        workers.push(worker);
        return worker;
      },
      stopWithinMs: 1,
    });
    const calls = [engine.fleet.commit({}), engine.fleet.commit({})];
    void workers[0]!.terminate();
    await death;
    for (const result of await settled(calls)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { kind: 'io' } });
    }
    await expect(engine.fleet.commit({})).rejects.toEqual(ofKind('io'));
    expect(deaths.map(({ message }) => message)).toEqual(['The writer thread of the database ended unexpectedly.']);
  });

  it('ends the process with a fatal line in the log when it dies', async () => {
    const { folder, remove } = makeTestFolder();
    cleanUps.push(remove);
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', fileURLToPath(new URL('./testing/death-child.ts', import.meta.url)), join(folder, 'a.db')],
      { stdio: ['ignore', 'pipe', 'inherit'], cwd: fileURLToPath(new URL('../../..', import.meta.url)) },
    );
    const exit = once(child, 'exit');
    const printed = await text(child.stdout);
    await exit;
    const lines = printed.trim().split('\n');
    expect(lines).toContain('alive');
    expect(child.exitCode).toBe(1);
    expect(JSON.parse(lines.at(-1) ?? '{}')).toMatchObject({
      level: 'fatal',
      msg: expect.stringContaining('a database thread ended') as string,
    });
  });

  it('fails to start without its file, and releases the lock', async () => {
    const test = openTestDatabase();
    cleanUps.push(() => test.close());
    rmSync(test.path);
    await expect(openInThread(test.db, { log: test.log })).rejects.toEqual(ofKind('folder'));
    closeDatabase(openDatabase(test.path, { log: test.log }));
  });
});

describe('stop', () => {
  it('answers everything that was called before, refuses what comes after, and leaves one closed file', async () => {
    const { engine, test } = await open();
    const before = Array.from({ length: 300 }, () => engine.fleet.commit({ events: events(1) }));
    const reads = Array.from({ length: 20 }, () => engine.fleet.events({ limit: 1 }));
    const stopped = engine.stop();
    const after = settled<unknown>([engine.fleet.commit({ events: events(1) }), engine.fleet.events({ limit: 1 })]);
    expect((await settled<unknown>([...before, ...reads])).filter(({ status }) => status === 'rejected')).toEqual([]);
    for (const result of await after) {
      expect(result).toMatchObject({ status: 'rejected', reason: { kind: 'io' } });
    }
    await stopped;
    await engine.stop();
    expect(existsSync(`${test.path}-wal`)).toBe(false);
    const db = openDatabase(test.path, { log: test.log });
    expect(db.$client.prepare('select count(*) from events').pluck().get()).toBe(300);
    closeDatabase(db);
  });

  it('gives up on a thread that does not answer, and keeps the lock while that may still write', async () => {
    const { engine, test } = await open({ startWorker: startSilentWorker, stopWithinMs: 1 });
    const call = engine.fleet.commit({});
    await expect(engine.stop()).rejects.toThrow('did not close within');
    expect(() => openDatabase(test.path, { log: test.log })).toThrow(ofKind('in-use'));
    await expect(call).rejects.toEqual(ofKind('io'));
    test.db.$lock.release();
  });
});
