/** A folder in which the databases of older dashboards are adopted. */
import { createHash } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach } from 'vitest';
import { createFleetStore } from '../../sqlite/fleet-store';
import { closeDatabase, type Db } from '../../sqlite/open-database';
import { makeTestFolder, makeTestLog } from '../../sqlite/testing/database';
import type { AdoptionReport } from '../adopt-report';
import { openAdopting } from './open-adopting';

/** The databases that older dashboards wrote. */
export const SAMPLES = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** The SHA-256 of a file, in hexadecimal. */
export const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** The first column of every row. */
export const column = (db: Db, query: string): unknown[] => db.$client.prepare(query).pluck().all();

/** A new folder for each test; databases that a test has left open are closed after it. */
export function useAdoptBench() {
  let folder: string;
  let path: string;
  let remove: () => void;
  let opened: Db[];
  let reports: AdoptionReport[];
  let testLog: ReturnType<typeof makeTestLog>;

  beforeEach(() => {
    ({ folder, remove } = makeTestFolder());
    path = join(folder, 'nixfleet.db');
    opened = [];
    reports = [];
    testLog = makeTestLog();
  });
  afterEach(() => {
    for (const db of opened) closeDatabase(db);
    remove();
  });

  /** Opens the database, adopting it where it is an old one. */
  function open(): Db {
    const db = openAdopting(path, { log: testLog.log, onAdopted: (report) => reports.push(report) });
    opened.push(db);
    return db;
  }

  return {
    get folder() {
      return folder;
    },
    /** The database file. */
    get path() {
      return path;
    },
    /** What `open` has opened, oldest first. */
    get opened() {
      return opened;
    },
    /** Of every adoption, oldest first. */
    get reports() {
      return reports;
    },
    get testLog() {
      return testLog;
    },
    open,
    adoptSample: (name: string): Db => {
      copyFileSync(join(SAMPLES, name), path);
      return open();
    },
    storeOf: (db: Db) => createFleetStore(db, testLog),
    /** For each table of the first adoption: rows before, kept, mended and set aside. */
    counts: () =>
      Object.fromEntries(
        reports[0]!.tables.map(({ table, before, kept, mended, setAside }) => [
          table,
          [before, kept, mended, setAside],
        ]),
      ),
    /** The names of the untouched copies and what belongs to them, by the end of the name. */
    copies: (end: string) => readdirSync(folder).filter((name) => name.includes('.backup-') && name.endsWith(end)),
  };
}
