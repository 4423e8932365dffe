/** Backups that are made, and killed, while the dashboard works and is killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { checkFile } from '@/lib/store/backup/check-backup';
import { listBackups } from '@/lib/store/backup/backup-folder';

/** Begins a backup beside the running dashboard. Gives the way to kill it. */
export function beginBackup(dataDir: string): { kill: () => Promise<void> } {
  const child = spawn(process.execPath, ['dist/cli.mjs', 'backup', '--keep', '5'], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', NIXFLEET_DATA_DIR: dataDir },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  return {
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** What is wrong with the backups that count as good; a killed one must not be among them. */
export async function findBadBackups(dataDir: string): Promise<{ good: number; faults: string[] }> {
  const faults: string[] = [];
  const backups = listBackups(join(dataDir, 'backups'));
  for (const { path } of backups) {
    try {
      const { examined } = await checkFile({
        file: path,
        dbPath: join(dataDir, 'nixfleet.db'),
        key: null,
        log: pino({ level: 'silent' }),
        witnesses: [],
      });
      if (examined === null) faults.push(`The backup ${path} is no database of this NixFleet.`);
      else if (examined.problems.length > 0) faults.push(`The backup ${path}: ${examined.problems.join(' ')}`);
    } catch (error) {
      faults.push(`The backup ${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { good: backups.length, faults };
}
