/** The NixOS of `test-nixos.ts` for Vitest: the tests of a file share what Nix builds. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { copyFolder, makeNixos, openNixos, removeFolder } from './test-nixos';

export { hasNix, WAIT, type HelperEnd, type HelperOptions, type TestNixos } from './test-nixos';

/** A store can't be moved: a copy of its folder is put back at the same path. */
interface Template {
  root: string;
  copy: string;
  systems: readonly string[];
  isFree: boolean;
}
/** By the arguments of `createNixos`: the tests of a file share what Nix builds. */
const templates = new Map<string, Template>();
afterAll(() => {
  for (const { copy } of templates.values()) removeFolder(copy);
  templates.clear();
});

/** `versions`: one system and one generation each; the first one runs, is booted and is the current generation. */
export function createNixos(versions = 3, settings: Record<string, string> = {}) {
  const key = JSON.stringify([versions, settings]);
  const template = templates.get(key);
  if (template?.isFree === true) {
    template.isFree = false;
    copyFolder(template.copy, template.root);
    return openNixos(template.root, template.systems, () => (template.isFree = true));
  }
  const root = mkdtempSync(join(tmpdir(), 'nixfleet-root-'));
  const systems = makeNixos(root, versions, settings);
  if (template !== undefined) return openNixos(root, systems, () => undefined);
  const made: Template = { root, copy: `${root}.copy`, systems, isFree: false };
  copyFolder(root, made.copy);
  templates.set(key, made);
  return openNixos(root, systems, () => (made.isFree = true));
}
