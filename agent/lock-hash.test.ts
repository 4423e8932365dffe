/** The hash of flake.lock in a real repository, however git writes it into the working tree. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOCK_CHANGED } from '@/lib/protocol/agent/lock-hash';
import { createLockHash } from './lock';
import { createHost, type TestHost } from './testing/host';
import { openRepository } from './testing/repository';

const LOCK = '{\n  "version": 7\n}\n';
const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

let host: TestHost;
beforeEach(() => {
  host = createHost();
});
afterEach(() => host.remove());

function open(lockFile = 'flake.lock') {
  const { repository, shell } = openRepository(host, { lockFile });
  return { pull: () => repository.pull(shell, () => undefined), hash: createLockHash(repository, lockFile) };
}
const inClone = (name = 'flake.lock'): string => join(host.repoDir, name);

describe('flake.lock', () => {
  it.each([
    ['line endings', '* text=auto eol=crlf\n'],
    ['an encoding', 'flake.lock text working-tree-encoding=ISO-8859-1\n'],
    ['contents', 'flake.lock ident\n'],
  ])('is hashed as it was committed, when git writes it with other %s', async (_what, attributes) => {
    host.commit({ '.gitattributes': attributes, 'flake.lock': '{\n  "version": 7, "ü": "$Id$"\n}\n' });
    const committed = execFileSync('git', ['cat-file', 'blob', 'HEAD:flake.lock'], { cwd: host.work });
    const { pull, hash } = open();
    await pull();
    expect(sha256(readFileSync(inClone()))).not.toBe(sha256(committed));
    expect(await hash()).toBe(sha256(committed));
  });

  it('is hashed as it was committed, when a filter (Git LFS, git-crypt) writes it', async () => {
    host.git(['config', '--file', host.path('.gitconfig'), 'filter.upper.smudge', 'tr a-z A-Z']);
    host.git(['config', '--file', host.path('.gitconfig'), 'filter.upper.clean', 'tr A-Z a-z']);
    host.commit({ '.gitattributes': 'flake.lock filter=upper\n', 'flake.lock': LOCK });
    const { pull, hash } = open();
    await pull();
    expect(readFileSync(inClone(), 'utf8')).toBe(LOCK.toUpperCase());
    expect(await hash()).toBe(sha256(LOCK));
  });

  it('that is changed and not committed has no hash, even if it holds what is desired', async () => {
    host.commit({ 'flake.lock': LOCK });
    const { pull, hash } = open();
    await pull();
    expect(await hash()).toBe(sha256(LOCK));
    writeFileSync(inClone(), '{ "version": 7, "new": true }\n');
    expect(await hash()).toBe(LOCK_CHANGED);
    host.git(['add', 'flake.lock'], host.repoDir);
    expect(await hash()).toBe(LOCK_CHANGED);
    const commit = host.commit({ 'flake.lock': '{ "version": 7, "new": true }\n' });
    expect(await hash()).toBe(LOCK_CHANGED);
    await pull();
    expect(host.git(['rev-parse', 'HEAD'], host.repoDir)).toBe(commit);
    expect(await hash()).toBe(sha256('{ "version": 7, "new": true }\n'));
  });

  it('stays when only the time of the file changes, and is `changed` where git ignores the file', async () => {
    host.commit({ 'flake.lock': LOCK });
    const { pull, hash } = open();
    await pull();
    writeFileSync(inClone(), LOCK);
    expect(await hash()).toBe(sha256(LOCK));
    rmSync(inClone());
    expect(await hash()).toBe('');
    host.git(['rm', '-q', '--cached', 'flake.lock']);
    rmSync(join(host.work, 'flake.lock'));
    host.commit({ '.gitignore': 'flake.lock\n' });
    await pull();
    writeFileSync(inClone(), LOCK);
    expect(await hash()).toBe(LOCK_CHANGED);
  });

  it('is asked for again when git did not answer', async () => {
    host.commit({ 'flake.lock': LOCK });
    writeFileSync(join(host.work, 'flake.lock'), 'as git writes it here');
    const answers: (Buffer | null)[] = [null, Buffer.from(LOCK)];
    const committedLock = () => Promise.resolve(answers.shift() ?? null);
    const hash = createLockHash({ dir: host.work, headKey: () => 'the head', committedLock }, 'flake.lock');
    expect(await hash()).toBe(sha256('as git writes it here'));
    expect([await hash(), await hash()]).toEqual([sha256(LOCK), sha256(LOCK)]);
  });

  it('is that of the folder of the flake', async () => {
    host.commit({ 'flake.lock': 'of the root', 'systems/home/flake.lock': LOCK });
    const { pull, hash } = open('systems/home/flake.lock');
    await pull();
    expect(await hash()).toBe(sha256(LOCK));
  });
});
