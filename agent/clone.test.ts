/** A clone that can't be created or replaced: the message names the reason, and what an operator can do about it. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHost, type TestHost } from './testing/host';
import { openRepository } from './testing/repository';

const isRoot = process.getuid?.() === 0;
/** A folder in which even root can't create one. */
const SYSTEM_FOLDER = '/sys';
/** A name that fits into a file system, but not with an ending. */
const LONG_NAME = 'r'.repeat(250);

let host: TestHost;
beforeEach(() => {
  host = createHost();
});
afterEach(() => host.remove());

async function prepare(dir: string): Promise<string> {
  const { repository, shell } = openRepository(host, { dir });
  const outcome = await repository.prepare(shell);
  return outcome.ok ? '' : outcome.message;
}

const diskAdvice = (dir: string) => `look at the disk of ${dirname(dir)}, or set NIXFLEET_REPO_DIR to another folder`;

describe('a clone that can’t be created', () => {
  it.skipIf(isRoot && !existsSync(SYSTEM_FOLDER))(
    'for missing rights: access to the parent is the remedy',
    async () => {
      const parent = isRoot ? SYSTEM_FOLDER : host.path('locked');
      if (!isRoot) {
        mkdirSync(parent);
        chmodSync(parent, 0o500);
      }
      const dir = join(parent, 'nixfleet-clone-test');
      const message = await prepare(dir);
      expect(message).toMatch(/ can't be created \((EACCES|EPERM|EROFS)\): /);
      expect(message).toContain(
        `give the agent's user write access to ${parent}, or set NIXFLEET_REPO_DIR to another folder`,
      );
      expect(existsSync(dir)).toBe(false);
    },
  );

  it.each([
    ['its parent is a file', () => join(host.path('file'), 'clone'), 'ENOTDIR'],
    ['its name is too long', () => host.path(LONG_NAME), 'ENAMETOOLONG'],
  ])('because %s: access is no remedy', async (_why, at, code) => {
    writeFileSync(host.path('file'), '');
    const dir = at();
    expect(await prepare(dir)).toBe(`${dir} can't be created (${code}): ${diskAdvice(dir)}`);
  });
});

it('a damaged clone that can’t be replaced stays, and the message names the reason', async () => {
  const dir = host.path(LONG_NAME);
  host.git(['clone', '-q', host.remote, dir], host.root);
  mkdirSync(host.stateDir, { recursive: true });
  writeFileSync(join(host.stateDir, 'repository.json'), JSON.stringify({ dir }));
  writeFileSync(join(dir, 'work'), 'unpushed');
  writeFileSync(join(dir, '.git', 'HEAD'), 'broken');
  expect(await prepare(dir)).toBe(`the clone in ${dir} can't be replaced (ENAMETOOLONG): ${diskAdvice(dir)}`);
  expect(existsSync(join(dir, 'work'))).toBe(true);
});
