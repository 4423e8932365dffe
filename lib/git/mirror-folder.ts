/**
 * The folder of a repository's copy, with a marker that names its address. Only a folder created here is ever removed.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const MARKER = 'nixfleet-mirror.json';
const markerSchema = z.object({ madeBy: z.literal('nixfleet'), url: z.string() });

/** What is at the path of a copy: our copy of this address, our copy of another, nothing, or a foreign folder. */
export type Place = 'ours' | 'outdated' | 'missing' | 'foreign';

/** Creates the folder, accessible only by its owner. `url` must hold no credentials. */
export async function makeMarkedFolder(path: string, url: string): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  await writeFile(join(path, MARKER), `${JSON.stringify({ madeBy: 'nixfleet', url })}\n`);
}

/** What is at a path; `url` null matches no address. */
export async function placeAt(path: string, url: string | null): Promise<Place> {
  let marker: string;
  try {
    marker = await readFile(join(path, MARKER), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code !== 'ENOENT') return 'foreign';
    // Without the marker it is ours only when nothing exists (or an empty folder, left by a crash).
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
