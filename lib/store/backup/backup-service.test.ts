import { beforeEach, describe, expect, it } from 'vitest';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { openTestDatabase } from '@/lib/store/sqlite/testing/database';
import { testEvent, testHost } from '@/lib/store/sqlite/testing/sample-records';
import { BackupService } from './backup-service';
import { listBackups, type StoredBackup } from './backup-folder';
import { startBackup } from './backup-process';
import type { RoundResult } from './run-backup';
import { recordedEvent, type RecordedEvent } from '@/lib/fleet/testing/recorded-event';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BY = { userId: 'operator', userName: 'Operator', address: '192.0.2.7' };

/** A backup service whose clock and program the test controls. */
function makeService(options: { intervalMs?: number; age?: number | null } = {}) {
  const { intervalMs = DAY_MS, age = null } = options;
  const state = {
    now: 100 * DAY_MS,
    timer: null as { ms: number; callback: () => void } | null,
    events: [] as RecordedEvent[],
    notices: [] as (string | null)[],
    begun: 0,
    stops: 0,
    backups: [] as StoredBackup[],
    end: (_result: RoundResult | Error): Promise<void> => Promise.resolve(),
  };
  const stored = (createdAt: number) => ({ createdAt, file: `of-${createdAt}` }) as StoredBackup;
  if (age !== null) state.backups = [stored(state.now - age)];
  const service = new BackupService({
    intervalMs,
    folder: '/backups',
    copyFolder: null,
    encrypted: false,
    list: () => state.backups,
    begin() {
      state.begun += 1;
      return {
        result: new Promise<RoundResult>((resolve, reject) => {
          state.end = async (result) => {
            if (result instanceof Error) reject(result);
            else {
              state.backups = [stored(result.createdAt), ...state.backups];
              resolve(result);
            }
            await new Promise((done) => setImmediate(done));
          };
        }),
        stop() {
          state.stops += 1;
          void state.end(new Error('stopped'));
        },
      };
    },
    clock: {
      now: () => state.now,
      after(ms, callback) {
        const timer = { ms, callback };
        state.timer = timer;
        return () => {
          if (state.timer === timer) state.timer = null;
        };
      },
    },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    record: (event) => void state.events.push(recordedEvent(event)),
    notify: (message) => void state.notices.push(message),
  });
  service.start();
  const tick = () => {
    const { timer } = state;
    state.timer = null;
    state.now += timer?.ms ?? 0;
    timer?.callback();
  };
  const good = (warnings: string[] = []) => state.end({ file: 'new', bytes: 1, createdAt: state.now, warnings });
  return { service, state, tick, good };
}

let made: ReturnType<typeof makeService>;

describe('the backup service', () => {
  beforeEach(() => {
    made = makeService();
  });

  it('makes a backup a minute after the first start, and then after each interval', async () => {
    expect(made.state.timer?.ms).toBe(60_000);
    made.tick();
    expect(made.state.begun).toBe(1);
    expect(made.service.status().runningSince).toBe(made.state.now);
    await made.good();
    expect(made.state.timer?.ms).toBe(DAY_MS);
    expect(made.state.events.map(({ action, actorKind }) => [action, actorKind])).toEqual([
      ['backup.made', 'dashboard'],
    ]);
  });

  it('schedules from the newest backup, across restarts', () => {
    expect(makeService({ age: 20 * HOUR_MS }).state.timer?.ms).toBe(4 * HOUR_MS);
    expect(makeService({ age: 3 * DAY_MS }).state.timer?.ms).toBe(60_000);
    // A clock that was set back.
    expect(makeService({ age: -300 * DAY_MS }).state.timer?.ms).toBe(DAY_MS);
  });

  it('shows a failure on every page, retries after an hour, and clears it after a success', async () => {
    made.tick();
    await made.state.end(new Error('The disk is full.'));
    expect(made.state.notices).toEqual(['The last backup failed: The disk is full.']);
    expect(made.service.status()).toMatchObject({ problem: 'The disk is full.', runningSince: null });
    expect(made.state.events[0]).toMatchObject({ level: 'error', action: 'backup.failed' });
    expect(made.state.timer?.ms).toBe(HOUR_MS);
    made.tick();
    await made.good();
    expect(made.state.notices.at(-1)).toBe(null);
    expect(made.service.status().problem).toBe(null);
  });

  it('shows the warnings of a good backup', async () => {
    made.tick();
    await made.good(['The copy failed.']);
    expect(made.state.notices).toEqual(['The copy failed.']);
    expect(made.state.events[0]).toMatchObject({ level: 'warning', action: 'backup.made' });
  });

  it('makes one backup at a time on demand, and records who asked', async () => {
    expect(made.service.backUpNow(BY)).toBe(true);
    expect(made.service.backUpNow(BY)).toBe(false);
    await made.good();
    expect(made.state.events[0]).toMatchObject({ actorKind: 'operator', actor: 'Operator', address: '192.0.2.7' });
    expect(made.state.begun).toBe(1);
  });

  it('reports the newest backup as late after two intervals', () => {
    expect(made.service.status().late).toBe(false);
    made.state.now += 2 * DAY_MS + 1;
    expect(made.service.status().late).toBe(true);
  });

  it('schedules none when the interval is off, and is never late', () => {
    const { state, service } = makeService({ intervalMs: 0 });
    expect(state.timer).toBe(null);
    state.now += 300 * DAY_MS;
    expect(service.status().late).toBe(false);
    expect(service.backUpNow(BY)).toBe(true);
  });

  it('cancels a running backup when the dashboard stops, and records nothing', async () => {
    made.tick();
    await made.service.stop(1_000);
    expect(made.state.stops).toBe(1);
    expect(made.state.events).toEqual([]);
    expect(made.service.backUpNow(BY)).toBe(false);
  });
});

describe('the backup program', () => {
  it('backs up a database that this process has open, in a separate process', async () => {
    const database = openTestDatabase();
    mkdirSync(join(database.folder, 'secrets'));
    writeFileSync(join(database.folder, 'secrets', 'encryption-key'), 'a-key-that-is-kept-with-it\n');
    createFleetStore(database.db, { log: database.log }).commit({
      hosts: [testHost('alpha')],
      events: [testEvent('one')],
    });
    const env = { ...process.env, NIXFLEET_DATA_DIR: database.folder };
    const result = await startBackup(env).result;
    expect(listBackups(join(database.folder, 'backups')).map(({ file }) => file)).toEqual([result.file]);
    await expect(startBackup({ ...env, NIXFLEET_BACKUP_DIR: join(database.path, 'nowhere') }).result).rejects.toThrow(
      'nowhere',
    );
    const stopped = startBackup(env);
    stopped.stop();
    await expect(stopped.result).rejects.toThrow('SIGTERM');
    database.close();
  });
});
