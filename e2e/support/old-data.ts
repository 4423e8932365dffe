/** Databases of older dashboards, put where a dashboard under test finds its data. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Dashboard } from './dashboard';

export const OLD_SAMPLES = join(process.cwd(), 'lib/store/adopt/fixtures');

/** Gives the data folder. */
export function putOldDatabase(dashboard: Dashboard, sample: string): string {
  const data = join(dashboard.folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  copyFileSync(join(OLD_SAMPLES, sample), join(data, 'nixfleet.db'));
  return data;
}
