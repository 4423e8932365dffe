/** The policy of the running system, with the real agent, the real Nix and the real nixfleet-root. */
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { hasNix } from '../root-helper/testing/nixos';
import { EMPTY_LOCK, flakeOf, useNixosBench, type NixosBench, type SystemSource } from './testing/nixos-bench';
import type { AgentProcess } from '../testing/host';
import { ACCEPTED } from '@/lib/protocol/agent/accepts';

describe.skipIf(!hasNix)('the policy of the running system (skipped without Nix)', () => {
  let bench: NixosBench;
  let agent: AgentProcess;
  useNixosBench((made) => (bench = made));
  beforeEach(() => (bench.dashboard.settings.accepts = ACCEPTED));

  const version = () => readFileSync(`${bench.nixos.running()}/nixos-version`, 'utf8').trim();
  /** The policy is a part of the system, as on NixOS. */
  async function start(): Promise<void> {
    agent = await bench.start({
      NIXFLEET_POLICY_FILE: `${bench.nixos.path('current-system')}/etc/nixfleet-agent/policy.json`,
    });
  }

  /** Runs a command to its end; the next agent takes over where it restarts. */
  async function run(command: string, id: string, more: object = {}) {
    bench.dashboard.command(command, id, more);
    const result = await bench.dashboard.result(id);
    if (result.restarting) {
      await agent.exit;
      await start();
    }
    return result;
  }

  /** A key, its line for the list of signers, and commits with its signature. */
  function signer(name: string) {
    const { host } = bench;
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', host.path(name)]);
    return {
      line: `${name}@example.org ${readFileSync(host.path(`${name}.pub`), 'utf8')}`.trim(),
      configure(source: SystemSource): string {
        writeFileSync(`${host.work}/flake.nix`, flakeOf(bench.nixos, source));
        writeFileSync(`${host.work}/flake.lock`, EMPTY_LOCK);
        host.git(['add', '-A']);
        const settings = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${host.path(name)}`];
        host.git([...settings, 'commit', '-q', '-S', '-m', `version ${source.version}`]);
        host.git(['push', '-q', 'origin', 'HEAD:main']);
        return host.git(['rev-parse', 'HEAD']);
      },
    };
  }

  /** Does this before each call of `nix build`. */
  function beforeBuild(script: string): void {
    const { host } = bench;
    renameSync(host.path('bin', 'nix'), host.path('bin', 'nix-real'));
    host.program(
      'nix',
      `case " $* " in *" build "*) ( ${script} ) >/dev/null 2>&1 ;; esac\nexec ${host.path('bin', 'nix-real')} "$@"`,
    );
  }

  it('judges the commit that loosens it, and the policy that it brings holds from then on', async () => {
    const alice = signer('alice');
    alice.configure({ version: '2', policy: { signers: alice.line } });
    await start();
    // Nothing holds yet: the system that runs has no policy.
    expect(await run('switch', 'first')).toMatchObject({ status: 'ok' });
    expect(version()).toBe('2');
    const loosening = bench.configure({ version: '3' });
    expect(await run('pull-switch', 'unsigned')).toMatchObject({
      status: 'error',
      refused: 'signature',
      message: `Refused by the host: the commit ${loosening.slice(0, 7)} is not signed`,
    });
    expect([version(), bench.nixos.generation()]).toEqual(['2', 2]);
    alice.configure({ version: '4' });
    expect(await run('pull-switch', 'signed')).toMatchObject({ status: 'ok' });
    expect(version()).toBe('4');
    // It has no policy, so that anything is accepted again.
    bench.configure({ version: '5' });
    expect(await run('pull-switch', 'anything')).toMatchObject({ status: 'ok' });
    expect(version()).toBe('5');
  });

  it('builds the judged commit, although the clone moves on before the build', async () => {
    const alice = signer('alice');
    alice.configure({ version: '2', policy: { signers: alice.line } });
    await start();
    await run('switch', 'first');
    alice.configure({ version: 'judged', policy: { signers: alice.line } });
    await run('pull', 'pull');
    const other = bench.configure({ version: 'other' });
    beforeBuild(`cd ${bench.host.repoDir} && git fetch ${bench.host.remote} main && git reset --hard ${other}`);
    expect(await run('switch', 'race')).toMatchObject({ status: 'ok' });
    expect(bench.host.git(['rev-parse', 'HEAD'], bench.host.repoDir)).toBe(other);
    expect(version()).toBe('judged');
    // As well for what is made the boot default.
    expect(await run('boot', 'boot')).toMatchObject({ refused: 'signature' });
  });

  it('builds the judged commit, although its files are changed before the build', async () => {
    const alice = signer('alice');
    alice.configure({ version: '2', policy: { signers: alice.line } });
    await start();
    await run('switch', 'first');
    alice.configure({ version: 'judged' });
    await run('pull', 'pull');
    beforeBuild(`sed -i s/judged/changed/g ${bench.host.repoDir}/flake.nix`);
    expect(await run('switch', 'race')).toMatchObject({ status: 'ok' });
    expect(version()).toBe('judged');
  });

  it('builds nothing that the committed flake.lock does not name', async () => {
    const alice = signer('alice');
    alice.configure({ version: '2', policy: { signers: alice.line } });
    await start();
    await run('switch', 'first');
    const { host } = bench;
    const input = host.path('input');
    host.git(['init', '-q', '-b', 'main', input], host.root);
    writeFileSync(`${input}/flake.nix`, '{ outputs = _: { }; }\n');
    host.git(['add', '-A'], input);
    host.git(['commit', '-q', '-m', 'input'], input);
    const flake = flakeOf(bench.nixos, { version: '3' });
    writeFileSync(`${host.work}/flake.nix`, flake.replace('{\n', `{\n  inputs.other.url = "git+file://${input}";\n`));
    const settings = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${host.path('alice')}`];
    host.git([...settings, 'commit', '-q', '-a', '-S', '-m', 'an input without a lock']);
    host.git(['push', '-q', 'origin', 'HEAD:main']);
    const result = await run('pull-switch', 'unlocked');
    expect([result.status, result.refused]).toEqual(['error', undefined]);
    expect(result.message).toContain('nix build failed');
    expect(version()).toBe('2');
  });

  it('lets nobody go back to a system whose policy accepts more', async () => {
    const alice = signer('alice');
    const strict = { signers: alice.line, operations: ['switch', 'pull-switch', 'rollback', 'switch-generation'] };
    alice.configure({ version: '2', policy: strict });
    await start();
    await run('switch', 'first');
    expect(await run('rollback', 'back')).toMatchObject({
      status: 'error',
      refused: 'looser-policy',
      message:
        'Refused by the host: the policy of generation 1 accepts more than the policy of the running system: it has no policy',
    });
    expect(await run('switch-generation', 'to-1', { generation: 1 })).toMatchObject({ refused: 'looser-policy' });
    expect([version(), bench.nixos.generation()]).toEqual(['2', 2]);
    // Generation 3 accepts more than generation 2, so that generation 2 can be gone back to.
    alice.configure({ version: '3', policy: { ...strict, operations: [...strict.operations, 'reboot'] } });
    expect(await run('pull-switch', 'looser')).toMatchObject({ status: 'ok' });
    expect(await run('rollback', 'back-to-2')).toMatchObject({ status: 'ok' });
    expect(version()).toBe('2');
    expect(await run('switch-generation', 'to-3', { generation: 3 })).toMatchObject({ refused: 'looser-policy' });
  });

  it('that can’t be used is never activated', async () => {
    bench.configure({ version: '2', policy: { hours: { zone: 'Europe/Nowhere', windows: [] } } });
    await start();
    for (const command of ['switch', 'boot']) {
      const result = await run(command, command);
      expect([result.status, result.refused], command).toEqual(['error', undefined]);
      expect(result.message, command).toContain('has a mistake at hours.zone');
    }
    expect([version(), bench.nixos.generation()]).toEqual(['25.11.1', 1]);
  });

  it('that would refuse its own commit is never activated', async () => {
    const alice = signer('alice');
    const bob = signer('bob');
    await start();
    const other = bench.configure({ version: 'other' });
    bench.host.git(['push', '-q', 'origin', 'HEAD:other']);
    bench.host.git(['reset', '-q', '--hard', 'HEAD~1']);
    bench.host.git(['push', '-q', '-f', 'origin', 'HEAD:main']);
    const mistakes: readonly [policy: object, message: string][] = [
      [{ branches: ['mian'] }, 'could not be found on the branch mian'],
      [{ branches: ['other'] }, 'is not on the branch other of the remote'],
      [{ oldestCommit: other }, 'is neither the oldest accepted commit'],
      [{ signers: bob.line }, 'is not signed by an accepted signer'],
    ];
    for (const [index, [policy, message]] of mistakes.entries()) {
      alice.configure({ version: `2-${index}`, policy });
      await run('pull', `pull-${index}`);
      for (const command of ['switch', 'boot']) {
        const result = await run(command, `${command}-${index}`);
        expect([result.status, result.refused], message).toEqual(['error', undefined]);
        expect(result.message).toContain('the policy of the new system would not accept this commit itself');
        expect(result.message).toContain(message);
      }
    }
    expect([version(), bench.nixos.generation()]).toEqual(['25.11.1', 1]);
    // A key is replaced in two steps.
    alice.configure({ version: '3', policy: { signers: `${alice.line}\n${bob.line}` } });
    expect(await run('pull-switch', 'both')).toMatchObject({ status: 'ok' });
    alice.configure({ version: '4', policy: { signers: bob.line } });
    expect((await run('pull-switch', 'too-early')).message).toContain('is not signed by an accepted signer');
    bob.configure({ version: '5', policy: { signers: bob.line } });
    expect(await run('pull-switch', 'bob')).toMatchObject({ status: 'ok' });
    expect(version()).toBe('5');
  });

  it('brings its list of signers with it, and is never activated without it', async () => {
    const alice = signer('alice');
    const signersFile = `${bench.nixos.path('current-system')}/etc/nixfleet-agent/signers`;
    // Path and list in one commit: the running system has no such file yet.
    alice.configure({ version: '2', policy: { signersFile }, signers: alice.line });
    await start();
    expect(await run('pull-switch', 'introduce')).toMatchObject({ status: 'ok' });
    expect(version()).toBe('2');
    for (const [id, signers] of [
      ['dropped', undefined],
      ['broken', 'alice'],
    ] as const) {
      alice.configure({ version: id, policy: { signersFile }, ...(signers === undefined ? {} : { signers }) });
      const result = await run('pull-switch', id);
      expect([result.status, result.refused], id).toEqual(['error', undefined]);
      expect(result.message, id).toContain('has a mistake at signersFile');
    }
    expect(version()).toBe('2');
    const bob = signer('bob');
    alice.configure({ version: '3', policy: { signersFile }, signers: `${alice.line}\n${bob.line}` });
    expect(await run('pull-switch', 'more')).toMatchObject({ status: 'ok' });
    alice.configure({ version: '4', policy: { signersFile }, signers: alice.line });
    expect(await run('pull-switch', 'fewer')).toMatchObject({ status: 'ok' });
    // The same path, where bob's key still was.
    expect(await run('rollback', 'back')).toMatchObject({ refused: 'looser-policy' });
    expect(version()).toBe('4');
  });

  it('that asks for confirmed switches refuses every other way to a new system', async () => {
    bench.configure({ version: '2', policy: { confirmed: true } });
    await start();
    await run('switch', 'first');
    bench.configure({ version: '3' });
    await run('pull', 'pull');
    for (const command of ['switch', 'pull-switch', 'force-update', 'boot'])
      expect(await run(command, `plain-${command}`), command).toMatchObject({ refused: 'not-confirmed' });
    expect(version()).toBe('2');
    bench.dashboard.command('switch', 'sw', { confirm: { window_s: 180 } });
    await bench.dashboard.frame('confirmation', ({ stage }) => stage === 'waiting');
    expect(version()).toBe('3');
  });

  it('is reported when the agent connects, and when a switch has changed it', async () => {
    bench.configure({ version: '2', policy: { operations: ['pull'] } });
    await start();
    expect(await bench.dashboard.frame('host_policy')).toMatchObject({ state: 'none' });
    await run('switch', 'first');
    expect(await bench.dashboard.frame('host_policy', ({ state }) => state === 'set')).toMatchObject({
      operations: ['pull'],
      hours: null,
      signers: null,
    });
  });
});
