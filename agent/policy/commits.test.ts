/** The rules about commits, with the real agent, real git repositories and keys of the real ssh-keygen. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { useAgentBench } from '../testing/agent-bench';
import type { TestDashboard } from '../testing/dashboard';
import type { AgentProcess, TestHost } from '../testing/host';
import { ACCEPTED } from '@/lib/protocol/agent/accepts';

const TEST = 'hosts/h1/tests/a.sh';
const says = (text: string) => `#!/bin/sh\necho "${text}"\n`;

let bundle = '';
let host: TestHost;
let dashboard: TestDashboard;
let commands = 0;
useAgentBench((made) => ({ bundle, host, dashboard } = made));
beforeEach(() => {
  dashboard.settings.accepts = ACCEPTED;
  commands = 0;
});

function policy(content: object): void {
  writeFileSync(host.path('policy.json'), JSON.stringify(content));
}

async function connect(more: Record<string, string> = {}): Promise<AgentProcess> {
  const from = dashboard.received.length;
  const agent = host.start(bundle, dashboard.url, { NIXFLEET_POLICY_FILE: host.path('policy.json'), ...more });
  await dashboard.frame('heartbeat', () => true, from);
  return agent;
}

/** Runs a command to its end. */
async function run(command: string, more: object = {}) {
  const id = `c${++commands}`;
  dashboard.command(command, id, more);
  const { status, refused, message } = await dashboard.result(id);
  return { status, refused, message, lines: dashboard.lines(id).map(({ line }) => line) };
}

/** Pulls, and runs the tests of the host. */
async function pullAndTest() {
  await run('pull');
  return run('test');
}

/** A new key; gives its line for the list of signers. */
function newKey(name: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', host.path(name)]);
  return `${name}@example.org ${readFileSync(host.path(`${name}.pub`), 'utf8')}`;
}

/** As `host.commit`, with the signature of a key. */
function commitBy(key: string, files: Record<string, string>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(host.work, path)), { recursive: true });
    writeFileSync(join(host.work, path), content);
    if (path.endsWith('.sh')) chmodSync(join(host.work, path), 0o755);
  }
  host.git(['add', '-A']);
  const settings = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${host.path(key)}`];
  host.git([...settings, 'commit', '-q', '-S', '-m', `signed by ${key}`]);
  host.git(['push', '-q', '-f', 'origin', 'HEAD:main']);
  return host.git(['rev-parse', 'HEAD']);
}

const inClone = (...args: string[]) => host.git(args, host.repoDir);

describe('signers', () => {
  it('accept a commit with their signature, and nothing else', async () => {
    const alice = newKey('alice');
    newKey('mallory');
    policy({ signers: alice });
    await connect();
    const unsigned = host.commit({ [TEST]: says('unsigned') });
    expect(await pullAndTest()).toMatchObject({
      status: 'error',
      refused: 'signature',
      message: `Refused by the host: the commit ${unsigned.slice(0, 7)} is not signed`,
    });
    const foreign = commitBy('mallory', { [TEST]: says('mallory') });
    expect(await pullAndTest()).toMatchObject({
      refused: 'signature',
      message: `Refused by the host: the commit ${foreign.slice(0, 7)} is not signed by an accepted signer`,
    });
    commitBy('alice', { [TEST]: says('alice') });
    const accepted = await pullAndTest();
    expect(accepted).toMatchObject({ status: 'ok', refused: undefined });
    expect(accepted.lines).toContain('alice');
    // What was refused has run nothing.
    const all = dashboard.all('output_batch').flatMap(({ payload }) => payload.lines.map(({ line }) => line));
    expect(all).not.toContain('unsigned');
    expect(all).not.toContain('mallory');
  });

  it('are read anew for each command', async () => {
    const [alice, bob] = [newKey('alice'), newKey('bob')];
    policy({ signers: alice });
    await connect();
    commitBy('bob', { [TEST]: says('bob') });
    expect(await pullAndTest()).toMatchObject({ refused: 'signature' });
    policy({ signers: `${alice}${bob}` });
    expect(await run('test')).toMatchObject({ status: 'ok' });
    writeFileSync(host.path('policy.json'), '{');
    expect(await run('test')).toMatchObject({ refused: 'policy-unreadable' });
    rmSync(host.path('policy.json'));
    host.commit({ [TEST]: says('anybody') });
    expect(await pullAndTest()).toMatchObject({ status: 'ok' });
  });

  it('in the namespace of files, not of git, and of a date that is over, are not accepted', async () => {
    const alice = newKey('alice');
    const [principal = '', type = '', key = ''] = alice.split(' ');
    await connect();
    commitBy('alice', { [TEST]: says('alice') });
    for (const options of ['namespaces="file"', 'valid-before="20200101"']) {
      policy({ signers: `${principal} ${options} ${type} ${key}` });
      expect(await pullAndTest(), options).toMatchObject({ refused: 'signature' });
    }
    policy({ signers: `${principal} namespaces="git" ${type} ${key}` });
    expect(await run('test')).toMatchObject({ status: 'ok' });
  });
});

describe('a signature can’t be accepted', () => {
  /** Settings that would accept any signature, in each place that git reads. */
  function deceivingSettings(): Record<string, string> {
    const attacker = newKey('attacker');
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
      if (existsSync(host.repoDir)) inClone('config', key, value);
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
    policy({ signers: newKey('alice') });
    host.commit({ [TEST]: says('x') });
    const agent = await connect();
    const environment = deceivingSettings();
    agent.child.kill('SIGTERM');
    await agent.exit;
    await connect(environment);
    const commit = commitWithArmour(kind);
    // The settings do deceive git itself.
    const plain = execFileSync('git', ['verify-commit', commit], {
      cwd: host.work,
      env: { PATH: process.env['PATH'], HOME: host.root, NODE_ENV: 'test' },
      stdio: 'pipe',
    });
    expect(plain.toString()).toBe('');
    expect(await pullAndTest()).toMatchObject({
      refused: 'signature',
      message: `Refused by the host: the signature of the commit ${commit.slice(0, 7)} is not an SSH signature`,
    });
  });

  it('by settings of the user, of the clone or of the environment', async () => {
    policy({ signers: newKey('alice') });
    await connect();
    const environment = deceivingSettings();
    commitBy('attacker', { [TEST]: says('attacker') });
    expect(await pullAndTest()).toMatchObject({ refused: 'signature' });
    const again = host.start(bundle, dashboard.url, {
      NIXFLEET_POLICY_FILE: host.path('policy.json'),
      NIXFLEET_STATE_DIR: host.path('other-state'),
      ...environment,
      GIT_SSH_COMMAND: '/nonexistent',
    });
    await dashboard.frame('register', ({ repo_dir: dir }) => dir.startsWith(host.path('other-state')));
    expect(await pullAndTest()).toMatchObject({ refused: 'signature' });
    again.child.kill('SIGTERM');
    await again.exit;
  });

  it('because a replacement in the clone has one', async () => {
    policy({ signers: newKey('alice') });
    await connect();
    const signed = commitBy('alice', { [TEST]: says('alice') });
    host.git(['commit', '-q', '--allow-empty', '-m', 'unsigned']);
    const unsigned = host.git(['rev-parse', 'HEAD']);
    host.git(['push', '-q', 'origin', 'HEAD:main']);
    await run('pull');
    inClone('replace', unsigned, signed);
    expect(inClone('cat-file', 'commit', unsigned)).toContain('SSH SIGNATURE');
    expect(await run('test')).toMatchObject({ refused: 'signature' });
  });

  it('because an object with the name of the commit has another content', async () => {
    policy({ signers: newKey('alice') });
    await connect();
    const signed = commitBy('alice', { [TEST]: says('alice') });
    await run('pull');
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
    expect(inClone('cat-file', 'commit', name)).toContain('SSH SIGNATURE');
    const result = await run('test');
    expect(result).toMatchObject({ status: 'error', refused: 'signature' });
    expect(result.message).toContain('the commit 1234567 can’t be judged: git fetch failed');
  });

  it('of the tag on a commit, or of its parent', async () => {
    policy({ signers: newKey('alice') });
    await connect();
    commitBy('alice', { [TEST]: says('alice') });
    const unsigned = host.commit({ [TEST]: says('unsigned') });
    const settings = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${host.path('alice')}`];
    host.git([...settings, 'tag', '-s', '-m', 'signed', 'v1', unsigned]);
    host.git(['push', '-q', 'origin', 'v1']);
    expect(await pullAndTest()).toMatchObject({ refused: 'signature' });
  });
});

describe('branches', () => {
  it('accept what is on one of them at the remote, whatever branch the host follows', async () => {
    policy({ branches: ['main', 'release'] });
    host.commit({ [TEST]: says('main') });
    host.git(['checkout', '-q', '-b', 'feature']);
    host.commit({ [TEST]: says('feature') });
    host.git(['push', '-q', '-f', 'origin', 'HEAD:feature', 'HEAD~1:main']);
    await connect({ NIXFLEET_BRANCH: 'feature' });
    const refused = await pullAndTest();
    expect(refused).toMatchObject({ refused: 'branch' });
    // The branch release does not exist yet.
    expect(refused.message).toContain('could not be found on one of the branches main, release of the remote');
    host.git(['push', '-q', 'origin', 'HEAD:release']);
    expect(await run('test')).toMatchObject({ status: 'ok' });
  });

  it('no longer accept what was taken from them, although the clone still has it', async () => {
    policy({ branches: ['main'] });
    const first = host.git(['rev-parse', 'HEAD']);
    const bad = host.commit({ [TEST]: says('bad') });
    await connect();
    expect(await pullAndTest()).toMatchObject({ status: 'ok' });
    host.git(['push', '-q', '-f', 'origin', `${first}:main`]);
    expect(await run('test')).toMatchObject({
      refused: 'branch',
      message: `Refused by the host: the commit ${bad.slice(0, 7)} is not on the branch main of the remote`,
    });
  });

  it('accept an earlier commit of theirs, and nothing while the remote does not answer', async () => {
    policy({ branches: ['main'] });
    host.commit({ [TEST]: says('one') });
    await connect();
    await run('pull');
    host.commit({ [TEST]: says('two') });
    const earlier = await run('test');
    expect(earlier).toMatchObject({ status: 'ok' });
    expect(earlier.lines).toContain('one');
    rmSync(host.remote, { recursive: true });
    expect(await run('test')).toMatchObject({ refused: 'branch' });
  });

  it('hold for a checkout that the operator maintains', async () => {
    policy({ branches: ['main'] });
    host.commit({ [TEST]: says('pushed') });
    await connect({ NIXFLEET_REPO_URL: '', NIXFLEET_REPO_DIR: host.work });
    expect(await run('test')).toMatchObject({ status: 'ok' });
    writeFileSync(join(host.work, TEST), says('local'));
    host.git(['commit', '-q', '-a', '-m', 'local']);
    expect(await run('test')).toMatchObject({ refused: 'branch' });
  });
});

describe('the oldest commit', () => {
  it('accepts itself and its descendants', async () => {
    const first = host.git(['rev-parse', 'HEAD']);
    const oldest = host.commit({ [TEST]: says('oldest') });
    policy({ oldestCommit: oldest });
    await connect();
    expect(await pullAndTest()).toMatchObject({ status: 'ok' });
    host.commit({ [TEST]: says('newer') });
    expect(await pullAndTest()).toMatchObject({ status: 'ok' });
    host.git(['push', '-q', '-f', 'origin', `${first}:main`]);
    expect(await pullAndTest()).toMatchObject({
      refused: 'oldest-commit',
      message: `Refused by the host: the commit ${first.slice(0, 7)} is neither the oldest accepted commit ${oldest.slice(0, 7)} nor a descendant of it`,
    });
  });

  it('accepts no other history, also where a graft or a replacement joins the two', async () => {
    const oldest = host.commit({ [TEST]: says('oldest') });
    policy({ oldestCommit: oldest });
    await connect();
    await run('pull');
    host.git(['checkout', '-q', '--orphan', 'other']);
    writeFileSync(join(host.work, TEST), says('other'));
    host.git(['commit', '-q', '-a', '-m', 'other']);
    const other = host.git(['rev-parse', 'HEAD']);
    host.git(['push', '-q', '-f', 'origin', 'HEAD:main']);
    expect(await pullAndTest()).toMatchObject({ refused: 'oldest-commit' });
    inClone('-c', 'user.name=T', '-c', 'user.email=t@example.org', 'replace', '--graft', other, oldest);
    mkdirSync(join(host.repoDir, '.git', 'info'), { recursive: true });
    writeFileSync(join(host.repoDir, '.git', 'info', 'grafts'), `${other} ${oldest}\n`);
    expect(inClone('merge-base', other, oldest)).toBe(oldest);
    expect(await run('test')).toMatchObject({ refused: 'oldest-commit' });
  });
});

describe('a commit that is accepted', () => {
  it('is all that counts: a changed file is refused, and a new one has no part in it', async () => {
    policy({ branches: ['main'] });
    host.commit({ [TEST]: says('committed') });
    await connect();
    await run('pull');
    writeFileSync(join(host.repoDir, 'hosts/h1/tests/b.sh'), says('new'), { mode: 0o755 });
    const accepted = await run('test');
    expect(accepted).toMatchObject({ status: 'ok', message: 'All tests passed (1)' });
    expect(accepted.lines).not.toContain('new');
    writeFileSync(join(host.repoDir, TEST), says('changed'));
    expect(await run('test')).toMatchObject({
      refused: 'dirty',
      message: `Refused by the host: ${host.repoDir} has changes that no commit holds (${TEST})`,
    });
  });

  it('gives its own files, whatever filters and attributes the clone has', async () => {
    policy({ branches: ['main'] });
    host.commit({ [TEST]: says('committed'), '.gitattributes': '*.sh filter=evil\n' });
    await connect();
    await run('pull');
    host.program('smudge', `cat >/dev/null; printf '#!/bin/sh\\necho smudged\\n'`);
    inClone('config', 'filter.evil.smudge', host.path('bin', 'smudge'));
    inClone('config', 'filter.evil.clean', 'cat');
    execFileSync('git', [
      'config',
      '--file',
      host.path('.gitconfig'),
      'filter.evil.smudge',
      host.path('bin', 'smudge'),
    ]);
    const accepted = await run('test');
    expect(accepted.lines).toContain('committed');
    expect(accepted.lines).not.toContain('smudged');
  });

  it('is named by its hash to nixos-rebuild and home-manager, which may not change flake.lock', async () => {
    policy({ branches: ['main'] });
    const commit = host.git(['rev-parse', 'HEAD']);
    for (const program of ['nixos-rebuild', 'home-manager']) host.program(program, 'echo "$0 $*"');
    await connect({ NIXFLEET_FLAKE_DIR: 'a b/c', NIXFLEET_SUBMODULES: 'true' });
    const flake = `git+file://${host.stateDir}/judged/repository?rev=${commit}&submodules=1&dir=a%20b/c#h1`;
    expect((await run('switch')).lines).toContain(
      `${host.path('bin', 'nixos-rebuild')} switch --flake ${flake} --no-update-lock-file`,
    );
  });

  it('has to be there at all', async () => {
    policy({ branches: ['main'] });
    rmSync(host.remote, { recursive: true });
    await connect();
    expect(await run('switch')).toMatchObject({ status: 'error', refused: undefined });
    expect(await run('test')).toMatchObject({ status: 'error', refused: 'dirty' });
  });
});
