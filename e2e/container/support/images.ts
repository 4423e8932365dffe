/** Images that a test makes of the one under test: the "new version" of an update, good or bad. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engine, IMAGE } from './engine';

/** Builds an image from the one under test and further lines of a Dockerfile, under the given name. */
export async function deriveImage(name: string, lines: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nixfleet-image-'));
  try {
    writeFileSync(join(folder, 'Dockerfile'), `FROM ${IMAGE}\n${lines}\n`);
    await engine('build', '--tag', name, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const imageId = (name: string): Promise<string> => engine('image', 'inspect', '--format', '{{.Id}}', name);
