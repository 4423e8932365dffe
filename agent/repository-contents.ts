/** What the repository contains that Nix does not read as people expect. Printed after a pull, in the command's output. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Git } from './git';

/** One line for each: submodules that are not fetched, Git LFS, git-crypt. */
export async function describeContents(
  git: Git,
  { dir, submodules }: { dir: string; submodules: boolean },
): Promise<string[]> {
  const lines: string[] = [];
  if (!submodules && existsSync(join(dir, '.gitmodules')))
    lines.push(
      'The repository has submodules, which are not fetched: set NIXFLEET_SUBMODULES=true if the configuration needs them.',
    );
  const large = await filesWith(git, 'lfs');
  if (large.length > 0)
    lines.push(
      `${counted(large)} in Git LFS: Nix may read the pointer in place of the content. Keep files that the configuration reads out of Git LFS.`,
    );
  const encrypted = await filesWith(git, 'git-crypt');
  if (encrypted.length > 0)
    lines.push(
      `${counted(encrypted)} encrypted by git-crypt: the agent has no key, so Nix reads the encrypted bytes. Keep files that the configuration reads unencrypted, or use secrets that are decrypted on the host (agenix, sops-nix).`,
    );
  return lines;
}

/** The files that a filter changes (gitattributes(5)). */
async function filesWith(git: Git, filter: string): Promise<string[]> {
  const listed = await git.look(['ls-files', '-z', '--', `:(attr:filter=${filter})`]);
  return listed.ok
    ? listed.bytes
        .toString('utf8')
        .split('\0')
        .filter((name) => name !== '')
    : [];
}

const counted = (files: readonly string[]): string =>
  files.length === 1 ? `${files[0] ?? ''} is` : `${files.length} files (the first: ${files[0] ?? ''}) are`;
