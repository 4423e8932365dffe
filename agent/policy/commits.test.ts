/** The rules about commits, with the real agent, real git repositories and keys of the real ssh-keygen. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { says, TEST, usePolicyBench, type PolicyBench } from './testing/policy-bench';

let bench: PolicyBench;
let host: PolicyBench['host'];
usePolicyBench((made) => {
  bench = made;
  ({ host } = made);
});

describe('signers', () => {
  it('accept a commit with their signature, and nothing else', async () => {
    const alice = bench.newKey('alice');
    bench.newKey('mallory');
    bench.policy({ signers: alice });
    await bench.connect();
    const unsigned = host.commit({ [TEST]: says('unsigned') });
    expect(await bench.pullAndTest()).toMatchObject({
      status: 'error',
      refused: 'signature',
      message: `Refused by the host: the commit ${unsigned.slice(0, 7)} is not signed`,
    });
    const foreign = bench.commitBy('mallory', { [TEST]: says('mallory') });
    expect(await bench.pullAndTest()).toMatchObject({
      refused: 'signature',
      message: `Refused by the host: the commit ${foreign.slice(0, 7)} is not signed by an accepted signer`,
    });
    bench.commitBy('alice', { [TEST]: says('alice') });
    const accepted = await bench.pullAndTest();
    expect(accepted).toMatchObject({ status: 'ok', refused: undefined });
    expect(accepted.lines).toContain('alice');
    // What was refused has run nothing.
    const all = bench.dashboard.all('output_batch').flatMap(({ payload }) => payload.lines.map(({ line }) => line));
    expect(all).not.toContain('unsigned');
    expect(all).not.toContain('mallory');
  });

  it('are read anew for each command', async () => {
    const [alice, bob] = [bench.newKey('alice'), bench.newKey('bob')];
    bench.policy({ signers: alice });
    await bench.connect();
    bench.commitBy('bob', { [TEST]: says('bob') });
    expect(await bench.pullAndTest()).toMatchObject({ refused: 'signature' });
    bench.policy({ signers: `${alice}${bob}` });
    expect(await bench.run('test')).toMatchObject({ status: 'ok' });
    writeFileSync(host.path('policy.json'), '{');
    expect(await bench.run('test')).toMatchObject({ refused: 'policy-unreadable' });
    rmSync(host.path('policy.json'));
    host.commit({ [TEST]: says('anybody') });
    expect(await bench.pullAndTest()).toMatchObject({ status: 'ok' });
  });

  it('with another namespace than git, or past their valid-before date, are not accepted', async () => {
    const alice = bench.newKey('alice');
    const [principal = '', type = '', key = ''] = alice.split(' ');
    await bench.connect();
    bench.commitBy('alice', { [TEST]: says('alice') });
    for (const options of ['namespaces="file"', 'valid-before="20200101"']) {
      bench.policy({ signers: `${principal} ${options} ${type} ${key}` });
      expect(await bench.pullAndTest(), options).toMatchObject({ refused: 'signature' });
    }
    bench.policy({ signers: `${principal} namespaces="git" ${type} ${key}` });
    expect(await bench.run('test')).toMatchObject({ status: 'ok' });
  });
});

describe('branches', () => {
  it('accept what is on one of them at the remote, whatever branch the host follows', async () => {
    bench.policy({ branches: ['main', 'release'] });
    host.commit({ [TEST]: says('main') });
    host.git(['checkout', '-q', '-b', 'feature']);
    host.commit({ [TEST]: says('feature') });
    host.git(['push', '-q', '-f', 'origin', 'HEAD:feature', 'HEAD~1:main']);
    await bench.connect({ NIXFLEET_BRANCH: 'feature' });
    const refused = await bench.pullAndTest();
    expect(refused).toMatchObject({ refused: 'branch' });
    // The branch release does not exist yet.
    expect(refused.message).toContain('could not be found on one of the branches main, release of the remote');
    host.git(['push', '-q', 'origin', 'HEAD:release']);
    expect(await bench.run('test')).toMatchObject({ status: 'ok' });
  });

  it('no longer accept a commit that was removed from them, although the clone still has it', async () => {
    bench.policy({ branches: ['main'] });
    const first = host.git(['rev-parse', 'HEAD']);
    const bad = host.commit({ [TEST]: says('bad') });
    await bench.connect();
    expect(await bench.pullAndTest()).toMatchObject({ status: 'ok' });
    host.git(['push', '-q', '-f', 'origin', `${first}:main`]);
    expect(await bench.run('test')).toMatchObject({
      refused: 'branch',
      message: `Refused by the host: the commit ${bad.slice(0, 7)} is not on the branch main of the remote`,
    });
  });

  it('accept an earlier commit of theirs, and nothing while the remote does not answer', async () => {
    bench.policy({ branches: ['main'] });
    host.commit({ [TEST]: says('one') });
    await bench.connect();
    await bench.run('pull');
    host.commit({ [TEST]: says('two') });
    const earlier = await bench.run('test');
    expect(earlier).toMatchObject({ status: 'ok' });
    expect(earlier.lines).toContain('one');
    rmSync(host.remote, { recursive: true });
    expect(await bench.run('test')).toMatchObject({ refused: 'branch' });
  });

  it('accept a branch whose name begins with that of an earlier one', async () => {
    bench.policy({ branches: ['release'] });
    host.commit({ [TEST]: says('release') });
    host.git(['push', '-q', 'origin', 'HEAD:release']);
    await bench.connect();
    expect(await bench.pullAndTest()).toMatchObject({ status: 'ok' });
    host.git(['push', '-q', 'origin', ':release']);
    host.git(['push', '-q', 'origin', 'HEAD:release/25.11']);
    bench.policy({ branches: ['release/25.11'] });
    expect(await bench.run('test')).toMatchObject({ status: 'ok' });
  });

  it('hold for a checkout that the operator maintains', async () => {
    bench.policy({ branches: ['main'] });
    host.commit({ [TEST]: says('pushed') });
    await bench.connect({ NIXFLEET_REPO_URL: '', NIXFLEET_REPO_DIR: host.work });
    expect(await bench.run('test')).toMatchObject({ status: 'ok' });
    writeFileSync(join(host.work, TEST), says('local'));
    host.git(['commit', '-q', '-a', '-m', 'local']);
    expect(await bench.run('test')).toMatchObject({ refused: 'branch' });
  });
});

describe('the oldest commit', () => {
  it('accepts itself and its descendants', async () => {
    const first = host.git(['rev-parse', 'HEAD']);
    const oldest = host.commit({ [TEST]: says('oldest') });
    bench.policy({ oldestCommit: oldest });
    await bench.connect();
    expect(await bench.pullAndTest()).toMatchObject({ status: 'ok' });
    host.commit({ [TEST]: says('newer') });
    expect(await bench.pullAndTest()).toMatchObject({ status: 'ok' });
    host.git(['push', '-q', '-f', 'origin', `${first}:main`]);
    expect(await bench.pullAndTest()).toMatchObject({
      refused: 'oldest-commit',
      message: `Refused by the host: the commit ${first.slice(0, 7)} is neither the oldest accepted commit ${oldest.slice(0, 7)} nor a descendant of it`,
    });
  });

  it('accepts no other history, also where a graft or a replacement joins the two', async () => {
    const oldest = host.commit({ [TEST]: says('oldest') });
    bench.policy({ oldestCommit: oldest });
    await bench.connect();
    await bench.run('pull');
    host.git(['checkout', '-q', '--orphan', 'other']);
    writeFileSync(join(host.work, TEST), says('other'));
    host.git(['commit', '-q', '-a', '-m', 'other']);
    const other = host.git(['rev-parse', 'HEAD']);
    host.git(['push', '-q', '-f', 'origin', 'HEAD:main']);
    expect(await bench.pullAndTest()).toMatchObject({ refused: 'oldest-commit' });
    bench.inClone('-c', 'user.name=T', '-c', 'user.email=t@example.org', 'replace', '--graft', other, oldest);
    mkdirSync(join(host.repoDir, '.git', 'info'), { recursive: true });
    writeFileSync(join(host.repoDir, '.git', 'info', 'grafts'), `${other} ${oldest}\n`);
    expect(bench.inClone('merge-base', other, oldest)).toBe(oldest);
    expect(await bench.run('test')).toMatchObject({ refused: 'oldest-commit' });
  });
});

describe('a commit that is accepted', () => {
  it('is all that counts: a changed file is refused, and a new one has no part in it', async () => {
    bench.policy({ branches: ['main'] });
    host.commit({ [TEST]: says('committed') });
    await bench.connect();
    await bench.run('pull');
    writeFileSync(join(host.repoDir, 'hosts/h1/tests/b.sh'), says('new'), { mode: 0o755 });
    const accepted = await bench.run('test');
    expect(accepted).toMatchObject({ status: 'ok', message: 'All tests passed (1)' });
    expect(accepted.lines).not.toContain('new');
    writeFileSync(join(host.repoDir, TEST), says('changed'));
    expect(await bench.run('test')).toMatchObject({
      refused: 'dirty',
      message: `Refused by the host: ${host.repoDir} has uncommitted changes (${TEST})`,
    });
  });

  it('gives its own files, whatever filters and attributes the clone has', async () => {
    bench.policy({ branches: ['main'] });
    host.commit({ [TEST]: says('committed'), '.gitattributes': '*.sh filter=evil\n' });
    await bench.connect();
    await bench.run('pull');
    host.program('smudge', `cat >/dev/null; printf '#!/bin/sh\\necho smudged\\n'`);
    bench.inClone('config', 'filter.evil.smudge', host.path('bin', 'smudge'));
    bench.inClone('config', 'filter.evil.clean', 'cat');
    execFileSync('git', [
      'config',
      '--file',
      host.path('.gitconfig'),
      'filter.evil.smudge',
      host.path('bin', 'smudge'),
    ]);
    const accepted = await bench.run('test');
    expect(accepted.lines).toContain('committed');
    expect(accepted.lines).not.toContain('smudged');
  });

  it.each([
    ['nixos-rebuild', 'nixos'],
    ['home-manager', 'macos'],
  ])('is named by its hash to %s, which may not change flake.lock', async (program, hostType) => {
    bench.policy({ branches: ['main'] });
    const commit = host.git(['rev-parse', 'HEAD']);
    host.program(program, 'echo "$0 $*"');
    await bench.connect({
      NIXFLEET_HOST_TYPE: hostType,
      NIXFLEET_FLAKE_DIR: 'a b/c',
      NIXFLEET_SUBMODULES: 'true',
    });
    const flake = `git+file://${host.stateDir}/judged/repository?rev=${commit}&submodules=1&dir=a%20b/c#h1`;
    expect((await bench.run('switch')).lines).toContain(
      `${host.path('bin', program)} switch --flake ${flake} --no-update-lock-file`,
    );
  });

  it('needs a history without damage, and the next pull clones again', async () => {
    const first = host.commit({ old: 'an old file' });
    host.git(['rm', '-q', 'old']);
    host.commit({ [TEST]: says('new') });
    bench.policy({ oldestCommit: first });
    await bench.connect();
    expect(await bench.pullAndTest()).toMatchObject({ status: 'ok' });
    // The blob is in no file of the working tree, so that a pull does not read it.
    const blob = bench.inClone('rev-parse', `${first}:old`);
    bench.inClone('repack', '-a', '-d', '-q');
    const packs = join(host.repoDir, '.git', 'objects', 'pack');
    mkdirSync(host.path('packs'));
    for (const name of readdirSync(packs)) renameSync(join(packs, name), host.path('packs', name));
    for (const name of readdirSync(host.path('packs')).filter((each) => each.endsWith('.pack')))
      execFileSync('git', ['-C', host.repoDir, 'unpack-objects', '-q'], {
        input: readFileSync(host.path('packs', name)),
      });
    rmSync(join(host.repoDir, '.git', 'objects', blob.slice(0, 2), blob.slice(2)));
    const refused = await bench.run('test');
    expect(refused).toMatchObject({ refused: 'oldest-commit' });
    expect(refused.message).toContain('Pull repairs the clone');
    expect(await bench.run('pull')).toMatchObject({ status: 'ok' });
    expect(await bench.run('test')).toMatchObject({ status: 'ok' });
  });

  it('needs its whole history, which a shallow checkout of the operator does not have', async () => {
    const oldest = host.commit({ old: 'a file' });
    host.commit({ [TEST]: says('shallow') });
    bench.policy({ oldestCommit: oldest });
    host.git(['clone', '-q', '--depth=1', `file://${host.remote}`, host.path('shallow')]);
    await bench.connect({ NIXFLEET_REPO_URL: '', NIXFLEET_REPO_DIR: host.path('shallow') });
    const refused = await bench.run('test');
    expect(refused).toMatchObject({ refused: 'oldest-commit' });
    expect(refused.message).toContain(`${host.path('shallow')} is a shallow checkout: run git fetch --unshallow there`);
    host.git(['fetch', '-q', '--unshallow'], host.path('shallow'));
    expect(await bench.run('test')).toMatchObject({ status: 'ok' });
  });

  it('a switch and a test fail when there is no clone', async () => {
    bench.policy({ branches: ['main'] });
    rmSync(host.remote, { recursive: true });
    await bench.connect();
    expect(await bench.run('switch')).toMatchObject({ status: 'error', refused: undefined });
    expect(await bench.run('test')).toMatchObject({ status: 'error', refused: 'dirty' });
  });
});
