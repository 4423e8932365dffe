/** Which backups of starts are used again, kept, and found for the way back. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '@/lib/store/sqlite/open-database';
import { addMigration, FAR_FUTURE } from '@/lib/store/sqlite/testing/migrations';
import { listBackups, rotateBackups } from './backup-folder';
import { createBackup } from './create-backup';
import { IDENTITY, KEY, MORE, useUpdateBench } from './testing/update-bench';
import { wayBack } from './update-backup';
import { listUpdateBackups, newestUpdateBackup, stepsName } from './update-backup-folder';

const bench = useUpdateBench();
const { backUp, edit, log, options, start } = bench;

function flipByte(file: string): void {
  const content = readFileSync(file);
  content[content.length - 1] = (content.at(-1) ?? 0) ^ 0xff;
  writeFileSync(file, content);
}

describe('a start that fails after the backup', () => {
  it('does not make a second one: the next start uses the first', async () => {
    const broken = addMigration(
      bench.folder,
      `${MORE}\n--> statement-breakpoint\nCREATE TABLE hosts (a);`,
      FAR_FUTURE + 1,
    );
    for (let round = 0; round < 3; round += 1) {
      await expect(start({ migrationsFolder: broken })).rejects.toThrow('could not be migrated');
    }
    const [first, ...more] = listUpdateBackups(bench.backups);
    expect(more).toEqual([]);
    rmSync(stepsName(first?.path ?? ''));
    expect(await start()).toEqual(first);
    expect(existsSync(stepsName(first?.path ?? ''))).toBe(true);
  });

  it.each([
    ['the database', () => edit("insert into settings values ('late', '1', 1)")],
    ['a secret', () => writeFileSync(join(bench.folder, 'secrets', 'agent-token'), 'new\n')],
    ['the backup', () => flipByte(listUpdateBackups(bench.backups)[0]?.path ?? '')],
  ])('makes another one when %s has changed', async (_what, change) => {
    const first = await backUp();
    change();
    const second = await backUp();
    expect(second?.path).not.toBe(first?.path);
  });

  it('makes another one when the key has changed', async () => {
    const first = await backUp({ key: IDENTITY });
    expect(await backUp({ key: IDENTITY })).toEqual(first);
    const second = await backUp({ key: KEY });
    expect(second?.path).not.toBe(first?.path);
    expect((await backUp())?.encrypted).toBe(false);
  });
});

describe('the backups of starts', () => {
  it('are kept apart from the scheduled ones, and the newest three of them stay', async () => {
    const scheduled = () =>
      createBackup({
        ...options(),
        dbPath: bench.path,
        version: '4.0.0',
        migrationsFolder: undefined,
      });
    await scheduled();
    const made: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      edit(`insert into settings values ('round-${round}', '1', 1)`);
      made.push((await backUp())?.file ?? '');
    }
    expect(listUpdateBackups(bench.backups).map(({ file }) => file)).toEqual(made.slice(2).reverse());
    expect(readdirSync(bench.backups).filter((name) => name.endsWith('.txt'))).toHaveLength(3);
    expect(listBackups(bench.backups)).toHaveLength(1);

    await scheduled();
    rotateBackups(bench.backups, 1, Date.now() + 10 * 86_400_000);
    expect(listBackups(bench.backups)).toHaveLength(1);
    expect(listUpdateBackups(bench.backups)).toHaveLength(3);
  });

  it('keep the one made last when the clock was set back', async () => {
    for (let round = 0; round < 4; round += 1) {
      edit(`insert into settings values ('round-${round}', '1', 1)`);
      const made = await backUp({ now: () => Date.UTC(2026, 0, 9 - round) });
      expect(listUpdateBackups(bench.backups).map(({ path: stored }) => stored)).toContain(made?.path);
    }
    expect(listUpdateBackups(bench.backups)).toHaveLength(3);
  });

  it('leave every other file in the folder alone', async () => {
    mkdirSync(bench.backups);
    const names = ['before-lunch.db', '.before-lunch.db.1.unfinished', 'notes.txt', 'before-4.1.0.txt'];
    for (const name of names) writeFileSync(join(bench.backups, name), 'mine');
    await backUp();
    expect(readdirSync(bench.backups)).toEqual(expect.arrayContaining(names));
  });
});

describe('a database that is newer than this version', () => {
  const refusal = (folderOfBackups = bench.backups) => {
    try {
      openDatabase(bench.path, { log, wayBack: (known) => wayBack(folderOfBackups, known, 'container') });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return 'it was opened';
  };

  it('is refused with the newest backup that this version can restore, and the command', async () => {
    const made = await start();
    // The next update: this version can't restore what was there before that one.
    await start({
      version: '4.2.0',
      migrationsFolder: addMigration(bench.folder, 'CREATE TABLE yet_more (a);', FAR_FUTURE + 1, bench.next),
    });
    expect(listUpdateBackups(bench.backups)).toHaveLength(2);
    expect(newestUpdateBackup(bench.backups, Date.now())?.path).toBe(made?.path);
    expect(refusal()).toContain(
      `Start that version, or restore the backup that was made before the update (${made?.path}).`,
    );
    expect(refusal()).toContain(`docker compose run --rm --no-deps nixfleet nixfleet restore ${made?.path}`);
  });

  it('is refused as before without such a backup, or when it is not whole', async () => {
    const made = await start();
    appendFileSync(made?.path ?? '', 'x');
    for (const where of [bench.backups, join(bench.folder, 'nowhere')]) {
      expect(refusal(where)).toMatch(/Start that version, or restore the backup from before the update\.$/);
    }
  });
});
