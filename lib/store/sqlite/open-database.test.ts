import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from './driver';
import { verifyChain } from './event-chain';
import { createFleetStore } from './fleet-store';
import { findMigrationsFolder } from './migrate';
import { closeDatabase, openDatabase, type Db } from './open-database';
import { events } from './schema';
import { makeTestFolder, makeTestLog } from './testing/database';
import { startChild, type Child } from './testing/spawn';

const { log } = makeTestLog();
let folder: string;
let path: string;
let remove: () => void;
let opened: Db[];
let children: Child[];

beforeEach(() => {
  ({ folder, remove } = makeTestFolder());
  path = join(folder, 'nixfleet.db');
  opened = [];
  children = [];
});
afterEach(async () => {
  for (const db of opened) closeDatabase(db);
  for (const child of children) await child.kill();
  remove();
});

function open(file = path, migrationsFolder?: string): Db {
  const db = openDatabase(file, { log, migrationsFolder });
  opened.push(db);
  return db;
}

function start(...args: Parameters<typeof startChild>): Child {
  const child = startChild(...args);
  children.push(child);
  return child;
}

/** The error that opening throws. */
function failure(file = path, migrationsFolder?: string): { kind: unknown; message: string } {
  try {
    open(file, migrationsFolder);
  } catch (error) {
    if (error instanceof Error && 'kind' in error) return { kind: error.kind, message: error.message };
    throw error;
  }
  throw new Error(`${file} was opened`);
}

const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

describe('opening', () => {
  it('creates folder and file for their owner only, and sets every pragma each time', () => {
    const file = join(folder, 'deep', 'down', 'fleet.db');
    for (let round = 0; round < 2; round += 1) {
      const db = open(file);
      const pragma = (name: string) => db.$client.pragma(name, { simple: true });
      expect(['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout', 'trusted_schema'].map(pragma)).toEqual([
        'wal',
        2,
        1,
        5_000,
        0,
      ]);
      expect([modeOf(join(folder, 'deep')), modeOf(join(folder, 'deep', 'down')), modeOf(file)]).toEqual([
        '700',
        '700',
        '600',
      ]);
      expect([modeOf(`${file}-wal`), modeOf(`${file}.lock`), modeOf(`${file}.lock-owner`)]).toEqual([
        '600',
        '600',
        '600',
      ]);
      closeDatabase(db);
      closeDatabase(db);
      expect(existsSync(`${file}-wal`) || existsSync(`${file}.lock-owner`)).toBe(false);
    }
  });

  it('finds the migrations from the source and from the bundle', () => {
    const root = join(folder, 'installed');
    mkdirSync(join(root, 'drizzle', 'meta'), { recursive: true });
    writeFileSync(join(root, 'drizzle', 'meta', '_journal.json'), '{}');
    expect(findMigrationsFolder(`file://${root}/dist/server.mjs`)).toBe(join(root, 'drizzle'));
    expect(() => findMigrationsFolder('file:///nowhere/dist/server.mjs')).toThrow(/no folder "drizzle"/);
  });

  it('recovers from a crash during the first start', () => {
    writeFileSync(path, '');
    closeDatabase(open());
    const half = join(folder, 'half.db');
    const client = new Database(half);
    client.exec('create table __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)');
    client.close();
    expect(createFleetStore(open(half), { log }).load().hosts).toEqual([]);
  });
});

describe('a file that NixFleet did not write', () => {
  const tables = 'create table hosts (id text primary key, hostname text); create table sessions (a); ';

  it.each([
    ['another database', 'delete', tables],
    ['another database with a write-ahead log', 'wal', tables],
    [
      "another program's migrations",
      'wal',
      `${tables} create table __drizzle_migrations (id, hash, created_at); insert into __drizzle_migrations values (1, 'x', 5)`,
    ],
  ])('is refused unchanged, and the error names its tables: %s', (_name, mode, sql) => {
    const client = new Database(path);
    client.pragma(`journal_mode = ${mode}`);
    client.exec(sql);
    client.close();
    const before = { hash: hashOf(path), names: readdirSync(folder) };
    const { kind, message } = failure();
    expect(kind).toBe('foreign');
    expect(message).toContain('hosts, sessions');
    expect(hashOf(path)).toBe(before.hash);
    expect(readdirSync(folder).filter((name) => !name.includes('.lock'))).toEqual(before.names);
  });

  it('is refused unchanged when it has a write-ahead log', () => {
    const other = new Database(join(folder, 'other.db'));
    other.pragma('journal_mode = WAL');
    other.exec(tables);
    for (const suffix of ['', '-wal']) copyFileSync(join(folder, `other.db${suffix}`), `${path}${suffix}`);
    other.close();
    const before = [hashOf(path), hashOf(`${path}-wal`)];
    expect(failure()).toMatchObject({ kind: 'foreign' });
    expect([hashOf(path), hashOf(`${path}-wal`)]).toEqual(before);
    expect(existsSync(`${path}-shm`)).toBe(false);
  });

  it('is refused unchanged when it is not a database', () => {
    writeFileSync(path, 'Dear diary, today I was taken for a database.');
    const before = hashOf(path);
    expect(failure()).toMatchObject({ kind: 'not-a-database' });
    expect(hashOf(path)).toBe(before);
    expect(failure(folder).message).toContain('is a folder');
    expect(failure(join(path, 'below.db'))).toMatchObject({ kind: 'folder' });
  });

  it('is refused when it is damaged', () => {
    writeFileSync(path, Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(8_000, 7)]));
    expect(['not-a-database', 'damaged']).toContain(failure().kind);
  });
});

describe('a file or folder that cannot be written', () => {
  // Root can write everywhere, so the child runs as another user.
  const uid = process.getuid?.() === 0 ? 65_534 : undefined;

  it('is named with the command that fixes it', async () => {
    closeDatabase(open());
    chmodSync(folder, 0o555);
    const inFolder = await start('hold', path, uid).line();
    expect(inFolder).toMatch(/^failed folder The folder .* can't be written\. /);
    expect(inFolder).toContain(uid ? `sudo chown -R ${uid}:${uid} ${folder}` : `chmod u+rwx ${folder}`);
    const below = await start('hold', join(folder, 'new', 'fleet.db'), uid).line();
    expect(below).toContain(`The folder ${folder}/new can't be created (EACCES)`);

    chmodSync(folder, 0o777);
    chmodSync(path, 0o444);
    chmodSync(`${path}.lock`, 0o666);
    const onFile = await start('hold', path, uid).line();
    expect(onFile).toMatch(/^failed read-only The database .* can't be written\. /);
    expect(onFile).toContain(uid ? `sudo chown -R ${uid}:${uid} ${path}` : `chmod u+rw ${path}`);
  });
});

describe('the lock', () => {
  it('refuses a second process under any name of the file and says who holds it, until the first is killed', async () => {
    const first = start('hold', path);
    expect(await first.line()).toBe('open');
    const link = join(folder, 'link.db');
    symlinkSync(path, link);
    for (const name of [path, link]) {
      const { kind, message } = failure(name);
      expect(kind).toBe('in-use');
      expect(message).toContain(`process ${first.process.pid ?? 0} on `);
    }
    const second = start('hold', path);
    expect(await second.line()).toMatch(/^failed in-use .*in use by another NixFleet/);

    await first.kill();
    expect(existsSync(`${path}.lock-owner`)).toBe(true);
    const third = start('hold', path);
    expect(await third.line()).toBe('open');
    expect(failure().message).toContain(`process ${third.process.pid ?? 0} on `);
  });

  it('also applies within one process, and is released after a failed start', () => {
    const db = open();
    expect(failure()).toMatchObject({ kind: 'in-use' });
    closeDatabase(db);
    const nowhere = join(folder, 'no-migrations');
    expect(failure(path, nowhere)).toMatchObject({ kind: 'migration' });
    open();
  });
});

describe('a crash', () => {
  it('by SIGKILL loses no completed commit and leaves nothing half-written', async () => {
    const child = start('commit', path);
    expect(await child.line()).toBe('open');
    let committed = 0;
    while (committed < 25) committed = Number((await child.line()).replace('committed ', ''));
    await child.kill();

    const db = open();
    expect(db.$client.pragma('integrity_check', { simple: true })).toBe('ok');
    const rows = db.select().from(events).all();
    expect(rows.length).toBeGreaterThanOrEqual(committed);
    expect(verifyChain(rows)).toMatchObject({ kind: 'intact' });
    const store = createFleetStore(db, { log });
    for (const { commandId } of rows) expect(store.output(commandId ?? '', 0, 100)).toHaveLength(20);
    expect(store.commandsOf('host', 1_000_000)).toHaveLength(rows.length);
  });
});
