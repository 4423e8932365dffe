/** The folder of the repository's copy: whose it is, and for which address. Only a folder made here is ever removed. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const MARKER = 'nixfleet-mirror.json';
const markerSchema = z.object({ madeBy: z.literal('nixfleet'), url: z.string() });

/** What stands where a copy belongs: ours for this address, ours for another one, nothing, something of somebody else. */
export type Place = 'ours' | 'outdated' | 'missing' | 'foreign';

/** Makes the folder, for its owner alone. `url` must hold no credentials. */
export async function makeMarkedFolder(path: string, url: string): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  await writeFile(join(path, MARKER), `${JSON.stringify({ madeBy: 'nixfleet', url })}\n`);
}

/** What stands at a path; `url` null matches no address. */
export async function placeAt(path: string, url: string | null): Promise<Place> {
  let marker: string;
  try {
    marker = await readFile(join(path, MARKER), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code !== 'ENOENT') return 'foreign';
    // Without the marker it is ours only when nothing is there (or an empty folder, left by a crash).
    return (await isEmpty(path)) ? 'missing' : 'foreign';
  }
  try {
    return markerSchema.parse(JSON.parse(marker)).url === url ? 'ours' : 'outdated';
  } catch {
    // A marker that was half written when the machine stopped.
    return 'outdated';
  }
}

async function isEmpty(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT';
  }
}
