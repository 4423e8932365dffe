/** The judgement of a commit without an agent process: on hosts that lack a program. Real git and ssh-keygen. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFlake } from '../flake';
import { createRepository } from '../repository';
import { createShell } from '../shell';
import { judgeCommit } from './judge-commit';
import { parsePolicy, type PolicyState } from './policy-file';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'nixfleet-judge-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));
const path = (...parts: string[]) => join(root, ...parts);
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
    cwd: path('clone'),
    encoding: 'utf8',
  }).trim();

/** A clone with a signed commit; gives that and the policy that accepts it. */
function signedClone(...init: string[]): { commit: string; state: PolicyState } {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path('key')]);
  mkdirSync(path('clone'));
  git('init', '-q', '-b', 'main', ...init);
  writeFileSync(path('clone', 'flake.nix'), '{ }\n');
  git('add', '-A');
  git('-c', 'gpg.format=ssh', '-c', `user.signingkey=${path('key')}`, 'commit', '-q', '-S', '-m', 'signed');
  const signers = `alice@example.org ${readFileSync(path('key.pub'), 'utf8')}`;
  const parsed = parsePolicy(JSON.stringify({ signers }), []);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return { commit: git('rev-parse', 'HEAD'), state: { kind: 'set', source: '/p', policy: parsed.policy } };
}

/** `programs`: the only ones on the PATH. */
async function judge(commit: string, state: PolicyState, programs: readonly string[]) {
  mkdirSync(path('bin'), { recursive: true });
  for (const program of programs)
    symlinkSync(execFileSync('which', [program], { encoding: 'utf8' }).trim(), path('bin', program));
  const env = { PATH: path('bin'), HOME: root, NODE_ENV: 'test' } as const;
  const place = {
    url: '',
    dir: path('clone'),
    stateDir: path('state'),
    sshKey: '',
    branch: 'main',
    lockFile: 'flake.lock',
  };
  const repository = createRepository({ ...place, env, submodules: false, signal: new AbortController().signal });
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const flake = createFlake({
    config: {
      repoDir: path('clone'),
      flakeDir: '',
      flakeAttribute: '',
      submodules: false,
      hostname: 'h1',
      machineName: '',
      hostType: 'nixos',
    },
    log,
  });
  const shell = createShell({ cwd: () => root, env, say: () => undefined });
  const host = { repository, flake, env, config: { stateDir: path('state') } };
  const judged = await judgeCommit(host, { shell, policy: state }, commit);
  return judged.ok ? judged.flake.installable('x') : judged.refusal;
}

it('is accepted where both programs are there', async () => {
  const { commit, state } = signedClone();
  expect(await judge(commit, state, ['git', 'ssh-keygen'])).toBe(
    `git+file://${path('state', 'judged', 'repository')}?rev=${commit}#x`,
  );
});

it('of a repository with the SHA-256 object format is judged as well', async () => {
  const { commit, state } = signedClone('--object-format=sha256');
  expect(commit).toHaveLength(64);
  expect(await judge(commit, state, ['git', 'ssh-keygen'])).toContain(`?rev=${commit}`);
});

it('is refused without ssh-keygen, and says what to do', async () => {
  const { commit, state } = signedClone();
  expect(await judge(commit, state, ['git'])).toEqual({
    reason: 'signature',
    text: `the signature of the commit ${commit.slice(0, 7)} can't be checked, because ssh-keygen was not found: install OpenSSH, or add its folder to the agent's PATH`,
  });
});

it('is refused without git', async () => {
  const { commit, state } = signedClone();
  expect(await judge(commit, state, [])).toMatchObject({ reason: 'dirty' });
});

it('is refused where its folder can’t be written', async () => {
  const { commit, state } = signedClone();
  writeFileSync(path('state'), 'a file');
  const refusal = await judge(commit, state, ['git', 'ssh-keygen']);
  expect(refusal).toMatchObject({ reason: 'signature' });
  expect(JSON.stringify(refusal)).toContain("can't be written");
});

it('is refused where the list of signers can’t be written', async () => {
  const { commit, state } = signedClone();
  // A folder is where the file has to be: each call of git makes it again.
  mkdirSync(path('bin'));
  const git = execFileSync('which', ['git'], { encoding: 'utf8' }).trim();
  const script = `#!/bin/sh\n/bin/mkdir -p ${path('state', 'judged', 'signers')}\nexec ${git} "$@"\n`;
  writeFileSync(path('bin', 'git'), script, { mode: 0o755 });
  const refusal = await judge(commit, state, ['ssh-keygen']);
  expect(refusal).toMatchObject({ reason: 'signature' });
  expect(JSON.stringify(refusal)).toContain("signers can't be written");
});
