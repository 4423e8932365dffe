/** An adoption on a full disk: on a real, small file system, where mounting is allowed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeDatabase } from '../sqlite/open-database';
import { makeTestFolder, makeTestLog } from '../sqlite/testing/database';
import { openAdopting } from './testing/open-adopting';

const SAMPLE = fileURLToPath(new URL('./fixtures/nixfleet-v1.db', import.meta.url));
/** The sample has 180 KiB: each size runs out at another step. */
const TOO_SMALL_KIB = [256, 384, 512, 768];
const ENOUGH_KIB = 4_096;

let folder: string;
let remove: () => void;
let mounted: string | null = null;

beforeEach(() => {
  ({ folder, remove } = makeTestFolder());
});
afterEach(() => {
  if (mounted !== null) execFileSync('umount', [mounted]);
  mounted = null;
  remove();
});

function mount(kib: number): string | null {
  const place = join(folder, 'small');
  mkdirSync(place);
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'none', place]);
  if (done.status !== 0) return null;
  mounted = place;
  return place;
}

describe('an adoption on a full disk', () => {
  it.for(TOO_SMALL_KIB)('of %i KiB says so, leaves the old file unchanged and no unfinished file', (kib, { skip }) => {
    const place = mount(kib) ?? skip('mounting is not allowed here');
    const path = join(place, 'nixfleet.db');
    copyFileSync(SAMPLE, path);
    const { log } = makeTestLog();
    expect(() => openAdopting(path, { log })).toThrow(expect.objectContaining({ kind: 'disk-full' }) as Error);
    const hash = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
    expect(hash(path)).toBe(hash(SAMPLE));
    expect(readdirSync(place).filter((name) => /adopt|look|part/.test(name))).toEqual([]);
  });

  it('succeeds at the next start with enough room', ({ skip }) => {
    const place = mount(ENOUGH_KIB) ?? skip('mounting is not allowed here');
    const path = join(place, 'nixfleet.db');
    copyFileSync(SAMPLE, path);
    const { log } = makeTestLog();
    writeFileSync(join(place, 'ballast'), Buffer.alloc(ENOUGH_KIB * 1024 - 512 * 1024));
    expect(() => openAdopting(path, { log })).toThrow(/no room left/);
    execFileSync('rm', [join(place, 'ballast')]);
    const db = openAdopting(path, { log });
    expect(db.$client.prepare('select count(*) from hosts').pluck().get()).toBe(14);
    closeDatabase(db);
  });
});
