/** Runs the commands of docs/adoption.md, "Going back", exactly as written there. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../sqlite/driver';
import { closeDatabase } from '../sqlite/open-database';
import { makeTestFolder, makeTestLog } from '../sqlite/testing/database';
import { openAdopting } from './testing/open-adopting';

const SAMPLES = fileURLToPath(new URL('./fixtures/', import.meta.url));
const PAGE = fileURLToPath(new URL('../../../docs/adoption.md', import.meta.url));
const ALL = ['', '-wal', '-shm', '-journal'];

const { log } = makeTestLog();
let folder: string;
let path: string;
let remove: () => void;

beforeEach(() => {
  ({ folder, remove } = makeTestFolder());
  path = join(folder, 'nixfleet.db');
});
afterEach(() => remove());

function commandsOfThePage(copy: string): string {
  const [, block = ''] = /## Going back[^]*?```sh\n([^]*?)```/.exec(readFileSync(PAGE, 'utf8')) ?? [];
  expect(block).toContain('nixfleet.backup-v1-TIME.db');
  return block.replace('nixfleet.backup-v1-TIME.db', copy);
}

const files = () =>
  Object.fromEntries(
    ALL.map((suffix) => [
      suffix,
      existsSync(path + suffix)
        ? createHash('sha256')
            .update(readFileSync(path + suffix))
            .digest('hex')
        : null,
    ]),
  );

/** A sample whose newest row is only in the log, as a killed process leaves it. */
function withLog(sample: string): void {
  const other = join(folder, 'other.db');
  copyFileSync(join(SAMPLES, sample), other);
  const old = new Database(other);
  old.pragma('journal_mode = WAL');
  old.exec("update hosts set comment = 'only in the log'");
  for (const suffix of ['', '-wal', '-shm']) copyFileSync(other + suffix, path + suffix);
  old.close();
  rmSync(other);
}

describe('going back', () => {
  it.each([
    ['version 1', 'nixfleet-v1.db', (sample: string) => copyFileSync(join(SAMPLES, sample), path)],
    ['version 1 with a log', 'nixfleet-v1.db', withLog],
    ['the Go dashboard', 'nixfleet-go-3.1.5.db', (sample: string) => copyFileSync(join(SAMPLES, sample), path)],
    ['the Go dashboard with a log', 'nixfleet-go-3.1.5.db', withLog],
  ])('to %s restores its files, byte for byte', (_name, sample, make) => {
    make(sample);
    const before = files();
    const db = openAdopting(path, { log });
    db.$client.exec('delete from events');
    closeDatabase(db);
    expect(files()).not.toEqual(before);

    const [copy = ''] = readdirSync(folder).filter((name) => /\.backup-(v1|go)-.*\.db$/.test(name));
    execFileSync('sh', ['-euc', commandsOfThePage(copy)], { cwd: folder });
    expect(files()).toEqual(before);
    expect(readdirSync(join(folder, 'put-aside'))).toContain('nixfleet.db');
  });
});
