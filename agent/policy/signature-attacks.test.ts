/** Ways to have a signature accepted that is none, with the real agent, the real git and the real ssh-keygen. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { says, TEST, usePolicyBench, type PolicyBench } from './testing/policy-bench';

let bench: PolicyBench;
let host: PolicyBench['host'];
usePolicyBench((made) => {
  bench = made;
  ({ host } = made);
});

describe('a signature can’t be accepted', () => {
  /** Settings that would accept any signature, in each place that git reads. */
  function deceivingSettings(): Record<string, string> {
    const attacker = bench.newKey('attacker');
    writeFileSync(host.path('attackers'), attacker);
    const good = 'Good "git" signature for alice@example.org with ED25519 key SHA256:x';
    host.program(
      'deceive',
      `[ "$1" = -Y ] || cat >/dev/null; echo '${good}'; echo alice@example.org; echo '[GNUPG:] GOODSIG 1234 Alice'\nexit 0`,
    );
    const settings = [
      ['gpg.program', host.path('bin', 'deceive')],
      ['gpg.openpgp.program', host.path('bin', 'deceive')],
      ['gpg.x509.program', host.path('bin', 'deceive')],
      ['gpg.ssh.program', host.path('bin', 'deceive')],
      ['gpg.ssh.allowedSignersFile', host.path('attackers')],
      ['gpg.minTrustLevel', 'undefined'],
    ] as const;
    for (const [key, value] of settings) {
      execFileSync('git', ['config', '--file', host.path('.gitconfig'), key, value]);
      if (existsSync(host.repoDir)) bench.inClone('config', key, value);
    }
    return {
      GIT_CONFIG_COUNT: String(settings.length),
      ...Object.fromEntries(
        settings.flatMap(([key, value], index) => [
          [`GIT_CONFIG_KEY_${index}`, key],
          [`GIT_CONFIG_VALUE_${index}`, value],
        ]),
      ),
    };
  }

  /** Makes the branch a commit with this armour as its signature. */
  function commitWithArmour(kind: string): string {
    const tree = host.git(['rev-parse', 'HEAD^{tree}']);
    const parent = host.git(['rev-parse', 'HEAD']);
    const who = 'Alice <alice@example.org> 1764000000 +0000';
    const signature = [`-----BEGIN ${kind}-----`, '', 'AAAA', `-----END ${kind}-----`].join('\n ');
    const text = `tree ${tree}\nparent ${parent}\nauthor ${who}\ncommitter ${who}\ngpgsig ${signature}\n\nsigned\n`;
    const commit = execFileSync('git', ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], {
      cwd: host.work,
      input: text,
      encoding: 'utf8',
    }).trim();
    host.git(['push', '-q', '-f', 'origin', `${commit}:refs/heads/main`]);
    return commit;
  }

  it.each(['PGP SIGNATURE', 'PGP MESSAGE', 'SIGNED MESSAGE'])('because its armour is %s', async (kind) => {
    bench.policy({ signers: bench.newKey('alice') });
    host.commit({ [TEST]: says('x') });
    const agent = await bench.connect();
    const environment = deceivingSettings();
    agent.child.kill('SIGTERM');
    await agent.exit;
    await bench.connect(environment);
    const commit = commitWithArmour(kind);
    // The settings do deceive git itself.
    const plain = execFileSync('git', ['verify-commit', commit], {
      cwd: host.work,
      env: { PATH: process.env['PATH'], HOME: host.root, NODE_ENV: 'test' },
      stdio: 'pipe',
    });
    expect(plain.toString()).toBe('');
    expect(await bench.pullAndTest()).toMatchObject({
      refused: 'signature',
      message: `Refused by the host: the signature of the commit ${commit.slice(0, 7)} is not an SSH signature`,
    });
  });

  it('by settings of the user, of the clone or of the environment', async () => {
    bench.policy({ signers: bench.newKey('alice') });
    await bench.connect();
    const environment = deceivingSettings();
    bench.commitBy('attacker', { [TEST]: says('attacker') });
    expect(await bench.pullAndTest()).toMatchObject({ refused: 'signature' });
    const again = host.start(bench.bundle, bench.dashboard.url, {
      NIXFLEET_POLICY_FILE: host.path('policy.json'),
      NIXFLEET_STATE_DIR: host.path('other-state'),
      ...environment,
      GIT_SSH_COMMAND: '/nonexistent',
    });
    await bench.dashboard.frame('register', ({ repo_dir: dir }) => dir.startsWith(host.path('other-state')));
    expect(await bench.pullAndTest()).toMatchObject({ refused: 'signature' });
    again.child.kill('SIGTERM');
    await again.exit;
  });

  it('because a replacement in the clone has one', async () => {
    bench.policy({ signers: bench.newKey('alice') });
    await bench.connect();
    const signed = bench.commitBy('alice', { [TEST]: says('alice') });
    host.git(['commit', '-q', '--allow-empty', '-m', 'unsigned']);
    const unsigned = host.git(['rev-parse', 'HEAD']);
    host.git(['push', '-q', 'origin', 'HEAD:main']);
    await bench.run('pull');
    bench.inClone('replace', unsigned, signed);
    expect(bench.inClone('cat-file', 'commit', unsigned)).toContain('SSH SIGNATURE');
    expect(await bench.run('test')).toMatchObject({ refused: 'signature' });
  });

  it("because an object's content does not match its hash", async () => {
    bench.policy({ signers: bench.newKey('alice') });
    await bench.connect();
    const signed = bench.commitBy('alice', { [TEST]: says('alice') });
    await bench.run('pull');
    const content = execFileSync('git', ['cat-file', 'commit', signed], { cwd: host.repoDir });
    const name = '1234567890'.repeat(4);
    const store = host.path('alternate');
    mkdirSync(join(store, name.slice(0, 2)), { recursive: true });
    writeFileSync(
      join(store, name.slice(0, 2), name.slice(2)),
      deflateSync(Buffer.concat([Buffer.from(`commit ${content.length}\0`), content])),
    );
    writeFileSync(join(host.repoDir, '.git', 'objects', 'info', 'alternates'), `${store}\n`);
    writeFileSync(join(host.repoDir, '.git', 'HEAD'), `${name}\n`);
    expect(bench.inClone('cat-file', 'commit', name)).toContain('SSH SIGNATURE');
    const result = await bench.run('test');
    expect(result).toMatchObject({ status: 'error', refused: 'signature' });
    expect(result.message).toContain('the commit 1234567 can’t be judged: git fetch failed');
  });

  it('of the tag on a commit, or of its parent', async () => {
    bench.policy({ signers: bench.newKey('alice') });
    await bench.connect();
    bench.commitBy('alice', { [TEST]: says('alice') });
    const unsigned = host.commit({ [TEST]: says('unsigned') });
    const settings = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${host.path('alice')}`];
    host.git([...settings, 'tag', '-s', '-m', 'signed', 'v1', unsigned]);
    host.git(['push', '-q', 'origin', 'v1']);
    expect(await bench.pullAndTest()).toMatchObject({ refused: 'signature' });
  });
});
