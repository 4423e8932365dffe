/** The records of `npm run bench:store`, and a database like one in production. */
import { pino } from 'pino';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { closeDatabase, openDatabase } from '@/lib/store/sqlite/open-database';
import { endedCommand, testCommand, testEvent, testHost, testOutput } from '@/lib/store/sqlite/testing/sample-records';
import { buildLine } from '@/simulator/behaviour';
import type { CommandRecord } from '@/lib/fleet/records/command-record';
import type { HostRecord } from '@/lib/fleet/records/host-record';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

export const FLEET = 2_000;
export const BIG_COMMAND = 'big';
export const BIG_LINES = 100_000;
const OLD_COMMANDS = 5_000;
const OLD_EVENTS = 30_000;
const ROWS_PER_COMMIT = 500;
const LINES_PER_FLUSH = 200;

export function host(index: number): HostRecord {
  const report = {
    status: 'ok',
    message: 'All good.',
    saidAt: '2026-11-28T12:00:00Z',
    at: 1,
    generation: '42',
  } as const;
  return testHost(`host-${index}`, {
    lock: report,
    system: report,
    tests: report,
    metricsAt: 1,
    lastSeenAt: Date.now(),
  });
}

export function running(id: string, hostId: string, lines: number): CommandRecord {
  return testCommand(id, hostId, { lines, outputSize: lines * 60 });
}

export function ended(id: string, hostId: string, lines: number): CommandRecord {
  return endedCommand(id, hostId, 5_000, { lines, outputSize: lines * 60 });
}

export function event(hostId: string): NewEvent {
  return testEvent('The command ended: the host is up to date.', { hostId, hostName: hostId });
}

export function outputLines(from: number, count: number): OutputLine[] {
  return Array.from({ length: count }, (_, index) => ({
    seq: from + index,
    at: 1_790_000_000_000 + index,
    stream: 'stdout',
    text: buildLine(from + index),
  }));
}

/** Creates the file: hosts, ended commands with output, events, and one command with 100,000 lines. */
export function createProductionLike(path: string): void {
  const log = pino({ level: 'silent' });
  const db = openDatabase(path, { log });
  // Only while it is filled.
  db.$client.pragma('synchronous = OFF');
  const store = createFleetStore(db, { log });
  store.commit({ hosts: Array.from({ length: FLEET }, (_, index) => host(index)) });
  for (let from = 0; from < OLD_COMMANDS; from += ROWS_PER_COMMIT) {
    const ids = Array.from({ length: ROWS_PER_COMMIT }, (_, index) => from + index);
    store.commit({
      commands: ids.map((id) => ended(`old-${id}`, host(id % FLEET).id, 20)),
      output: ids.map((id) => testOutput(`old-${id}`, 1, 20)),
    });
  }
  for (let from = 0; from < OLD_EVENTS; from += ROWS_PER_COMMIT) {
    store.commit({
      events: Array.from({ length: ROWS_PER_COMMIT }, (_, index) => event(host((from + index) % FLEET).id)),
    });
  }
  store.commit({ commands: [ended(BIG_COMMAND, host(0).id, BIG_LINES)] });
  for (let from = 1; from < BIG_LINES; from += LINES_PER_FLUSH) {
    store.commit({ output: [{ commandId: BIG_COMMAND, lines: outputLines(from, LINES_PER_FLUSH) }] });
  }
  closeDatabase(db);
}
