/**
 * The workflow that operators copy into their configuration repository: its steps run here, with real git and real Nix.
 * The forge is a bare repository and a stand-in for its program. What the forge itself does with the file is not tested.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const WORKFLOW = readFileSync('docs/workflows/follow-nixfleet.yml', 'utf8');
const hasNix = spawnSync('nix', ['--version']).status === 0;

/** The script of a step: the lines below its `run: |`, without their indentation. */
function scriptOf(step: string): string {
  const lines = WORKFLOW.split('\n');
  const run = lines.findIndex((line, at) => at > lines.indexOf(`      - name: ${step}`) && /^ {8}run: \|$/.test(line));
  const body: string[] = [];
  for (const line of lines.slice(run + 1)) {
    if (line !== '' && !line.startsWith(' '.repeat(10))) break;
    body.push(line.slice(10));
  }
  return body.join('\n');
}

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nixfleet-follow-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...parts: string[]) => join(folder, ...parts);
const environment = () => ({
  NODE_ENV: 'test' as const,
  PATH: `${at('bin')}${delimiter}${process.env.PATH ?? ''}`,
  HOME: at('home'),
  RUNNER_TEMP: at('runner'),
  BRANCH: 'follow-nixfleet',
  GIT_CONFIG_GLOBAL: at('gitconfig'),
  GIT_CONFIG_NOSYSTEM: '1',
});
const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', args, { cwd, env: environment(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
/** As the runner runs a step. */
const runStep = (step: string) =>
  execFileSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', scriptOf(step)], {
    cwd: at('config'),
    env: environment(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
const asked = () => readFileSync(at('asked'), 'utf8').split('\n').filter(Boolean);

function commitInput(version: number): string {
  writeFileSync(at('input', 'flake.nix'), `{ outputs = _: { version = ${version}; }; }\n`);
  git(at('input'), 'add', '.');
  git(at('input'), 'commit', '--message', `version ${version}`);
  return git(at('input'), 'rev-parse', 'HEAD');
}

beforeEach(() => {
  for (const name of ['bin', 'home', 'runner', 'input']) mkdirSync(at(name));
  writeFileSync(at('gitconfig'), '[user]\nname = t\nemail = t@example.org\n[init]\ndefaultBranch = main\n');
  // It knows no pull request until one was created.
  writeFileSync(at('asked'), '');
  const gh = `#!/bin/sh\nif [ "$2" = list ]; then grep -c 'pr create' '${at('asked')}' | grep -v '^0$' || true; exit 0; fi\necho "$@" | tr '\\n' ' ' >> '${at('asked')}'; echo >> '${at('asked')}'\n`;
  writeFileSync(at('bin', 'gh'), gh, { mode: 0o755 });
  git(at('input'), 'init');
  commitInput(1);
  git(folder, 'init', '--bare', 'forge.git');
  git(folder, 'clone', 'forge.git', 'config');
  git(at('config'), 'switch', '--create', 'main');
  writeFileSync(
    at('config', 'flake.nix'),
    `{ inputs.nixfleet.url = "git+file://${at('input')}"; outputs = _: { }; }\n`,
  );
  git(at('config'), 'add', '.');
  git(at('config'), 'commit', '--message', 'configuration');
  git(at('config'), 'push', 'origin', 'main');
});

describe('the workflow that follows NixFleet', () => {
  it('has scripts that a shell can read', () => {
    for (const step of ['Update the input', 'Open a pull request']) {
      const script = scriptOf(step);
      expect(script.length).toBeGreaterThan(50);
      expect(execFileSync('bash', ['-n', '-c', script], { encoding: 'utf8' })).toBe('');
    }
  });

  it('ends without a pull request when nothing is new', () => {
    writeFileSync(at('config', 'flake.lock'), '{}\n');
    git(at('config'), 'add', '.');
    git(at('config'), 'commit', '--message', 'lock');
    expect(runStep('Open a pull request')).toContain('newest commit');
    expect(asked()).toEqual([]);
    expect(git(at('forge.git'), 'branch', '--list', 'follow-nixfleet')).toBe('');
  });

  it.skipIf(!hasNix)('updates the input alone, and opens one pull request for it', () => {
    runStep('Update the input');
    git(at('config'), 'add', '.');
    git(at('config'), 'commit', '--message', 'lock');
    git(at('config'), 'push', 'origin', 'main');

    for (const version of [2, 3]) {
      const newest = commitInput(version);
      // Each run begins with a new checkout.
      rmSync(at('config'), { recursive: true });
      git(folder, 'clone', 'forge.git', 'config', '--branch', 'main');
      runStep('Update the input');
      runStep('Open a pull request');
      expect(git(at('forge.git'), 'diff', '--name-only', 'main', 'follow-nixfleet')).toBe('flake.lock');
      expect(git(at('forge.git'), 'show', 'follow-nixfleet:flake.lock')).toContain(newest);
    }
    expect(asked()).toHaveLength(1);
    expect(asked()[0]).toContain('pr create --base main --head follow-nixfleet');
  });
});
