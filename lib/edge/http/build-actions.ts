/** The server actions of the build, from its manifest: their ids, and the pages that use them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

export interface BuildActions {
  /** True when the build has an action with this id. */
  has(id: string): boolean;
  /** True when the page with this pattern (`/activity/pipelines/[id]`) uses it. */
  isOn(id: string, pattern: string): boolean;
}

const manifestSchema = z.object({
  node: z.record(z.string(), z.object({ workers: z.record(z.string(), z.unknown()) })),
});

/** Reads the manifest of a production build in this folder (`.next`). Throws when it can't be read. */
export function readBuildActions(buildFolder: string): BuildActions {
  const file = join(buildFolder, 'server', 'server-reference-manifest.json');
  const { node } = manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const pages = new Map(Object.entries(node).map(([id, { workers }]) => [id, Object.keys(workers).map(patternOf)]));
  return {
    has: (id) => pages.has(id),
    isOn: (id, pattern) => pages.get(id)?.includes(pattern) ?? false,
  };
}

/** `app/(auth)/setup/page` is `/setup`: route groups are not part of an address. */
function patternOf(worker: string): string {
  return (
    worker
      .replace(/^app/, '')
      .replace(/\/page$/, '')
      .replace(/\/\([^()]*\)/g, '') || '/'
  );
}
