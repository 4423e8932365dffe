/** Makes and kills backups while the dashboard works and is killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { checkFile } from '@/lib/store/backup/check-backup';
import { listBackups } from '@/lib/store/backup/backup-folder';

/** Starts a backup beside the running dashboard. Returns a function that kills it. */
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

/** The problems of backups that count as good; a killed one must not count. */
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
      if (examined === null) faults.push(`The backup ${path} is not a database of this NixFleet.`);
      else if (examined.problems.length > 0) faults.push(`The backup ${path}: ${examined.problems.join(' ')}`);
    } catch (error) {
      faults.push(`The backup ${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { good: backups.length, faults };
}
