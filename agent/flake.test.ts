import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFlake, type FlakeOptions } from './flake';
import { createAgentLog } from './log';
import { createShell } from './shell';
import { createHost, type TestHost } from './testing/host';

const hasNix = spawnSync('nix', ['--version']).status === 0;

let host: TestHost;
let lines: string[];
let logged: string[];
beforeEach(() => {
  host = createHost();
  lines = [];
  logged = [];
});
afterEach(() => host.remove());

/** A private store: the machine needs no /nix. */
function nixEnvironment(): Record<string, string> {
  const etc = host.path('etc');
  mkdirSync(etc, { recursive: true });
  writeFileSync(
    join(etc, 'nix.conf'),
    'sandbox = false\nbuild-users-group =\nsubstituters =\nflake-registry =\nexperimental-features = nix-command flakes\n',
  );
  return {
    NIX_CONF_DIR: etc,
    NIX_STORE_DIR: host.path('store'),
    NIX_STATE_DIR: host.path('var'),
    NIX_LOG_DIR: host.path('log'),
    NIX_REMOTE: 'local',
  };
}

function open(config: Partial<FlakeOptions['config']> = {}, env: Record<string, string> = {}) {
  const shell = createShell({
    cwd: () => host.root,
    env: { ...process.env, HOME: host.root, PATH: `${host.bin}:${process.env['PATH'] ?? ''}`, ...env },
    say: (line) => lines.push(line),
  });
  const flake = createFlake({
    config: {
      repoDir: host.work,
      flakeDir: '',
      flakeAttribute: '',
      submodules: false,
      hostname: 'epsilon',
      machineName: 'Epsilon',
      hostType: 'nixos',
      ...config,
    },
    log: createAgentLog(
      'warn',
      (text) => text,
      (line) => logged.push(line),
    ),
  });
  return { flake, attribute: () => flake.attribute(shell) };
}

/** A `nix` that knows these names, and notes how it was called. */
function fakeNix(names: readonly string[] | null): void {
  const answer = names === null ? 'exit 1' : `echo '${JSON.stringify(names)}'`;
  host.program('nix', `printf '%s\\n' "$*" >> ${host.path('asked')}; ${answer}`);
}

describe("the attribute of a host without options, by the machine's name", () => {
  it.each<[string, readonly string[] | null, string, string | null]>([
    ['is the name in lower case, where the flake has it', ['epsilon', 'other'], 'epsilon', null],
    ['is the name as it is, where the flake has only that', ['Epsilon', 'other'], 'Epsilon', null],
    [
      'is the name in lower case where the flake has both, which it reports',
      ['epsilon', 'Epsilon'],
      'epsilon',
      'has both',
    ],
    ['is the name in lower case where it has neither, which it reports', ['other'], 'epsilon', 'has neither'],
    ['is the name in lower case where Nix gives no answer', null, 'epsilon', null],
  ])('%s', async (_what, names, expected, message) => {
    fakeNix(names);
    const { attribute } = open();
    expect(await attribute()).toBe(expected);
    expect(await attribute()).toBe(expected);
    if (message === null) expect([...lines, ...logged]).toEqual([]);
    else {
      expect(lines[0]).toContain(message);
      expect(lines[0]).toContain('NIXFLEET_FLAKE_ATTRIBUTE');
      // In the output of each command, and once in the log.
      expect(lines).toHaveLength(2);
      expect(logged).toHaveLength(1);
    }
    expect(readFileSync(host.path('asked'), 'utf8')).toContain(`${host.work}#nixosConfigurations --apply`);
  });

  it.each<[string, Partial<FlakeOptions['config']>, string]>([
    ['a configured attribute', { flakeAttribute: 'alice@laptop' }, 'alice@laptop'],
    ['a configured host name', { hostname: 'Web1', machineName: '' }, 'Web1'],
    ['a machine name in lower case', { machineName: 'epsilon' }, 'epsilon'],
  ])('does not matter with %s', async (_what, config, expected) => {
    fakeNix(['epsilon', 'Epsilon']);
    expect(await open(config).attribute()).toBe(expected);
    expect(lines).toEqual([]);
  });
});

describe('the reference', () => {
  it.each<[string, Partial<FlakeOptions['config']>, string]>([
    ['of the root', {}, '/srv/my repo#h1'],
    ['of a folder', { flakeDir: 'systems/home' }, '/srv/my repo/systems/home#h1'],
    ['with submodules', { submodules: true }, 'git+file:///srv/my%20repo?submodules=1#h1'],
    [
      'of a folder with submodules',
      { submodules: true, flakeDir: 'systems/home' },
      'git+file:///srv/my%20repo?submodules=1&dir=systems/home#h1',
    ],
  ])('%s', (_what, config, expected) => {
    expect(open({ repoDir: '/srv/my repo', ...config }).flake.installable('h1')).toBe(expected);
  });
});

describe.skipIf(!hasNix)('the real nix (skipped without nix)', () => {
  const FLAKE = `{
    outputs = { self }: {
      nixosConfigurations.Epsilon.name = builtins.readFile ./name;
      homeConfigurations."alice@laptop".name = "alice";
    };
  }`;

  function evaluate(installable: string, env: Record<string, string>): unknown {
    const text = execFileSync('nix', ['eval', '--json', installable], {
      env: { ...process.env, HOME: host.root, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return JSON.parse(text);
  }

  it('lists the names of a flake in a folder, and finds the one of this host', async () => {
    host.commit({ 'systems/home/flake.nix': FLAKE, 'systems/home/name': 'epsilon of the folder' });
    const env = nixEnvironment();
    const { flake, attribute } = open({ flakeDir: 'systems/home' }, env);
    const name = await attribute();
    expect(name).toBe('Epsilon');
    expect(evaluate(flake.installable(`nixosConfigurations.${JSON.stringify(name)}.name`), env)).toBe(
      'epsilon of the folder',
    );
  });

  it('accepts alice@laptop', () => {
    host.commit({ 'flake.nix': FLAKE, 'flake.lock': '{"nodes":{"root":{}},"root":"root","version":7}' });
    const env = nixEnvironment();
    const { flake } = open({ hostType: 'macos' }, env);
    expect(evaluate(flake.installable('homeConfigurations."alice@laptop".name'), env)).toBe('alice');
  });

  it('reads a submodule that the flake needs, also in a folder', () => {
    const sub = host.path('sub');
    host.git(['init', '-q', '-b', 'main', sub], host.root);
    writeFileSync(join(sub, 'name'), 'of the submodule');
    host.git(['add', '-A'], sub);
    host.git(['commit', '-q', '-m', 'one'], sub);
    host.git(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', sub, 'nix/sub']);
    host.commit({ 'nix/flake.nix': FLAKE.replace('./name', './sub/name') });
    // Nix fetches the submodule itself; git refuses a local one by default.
    const allowed = {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'protocol.file.allow',
      GIT_CONFIG_VALUE_0: 'always',
    };
    const env = { ...nixEnvironment(), ...allowed };
    const installable = (submodules: boolean) =>
      open({ flakeDir: 'nix', submodules }, env).flake.installable('nixosConfigurations.Epsilon.name');
    expect(evaluate(installable(true), env)).toBe('of the submodule');
    expect(() => evaluate(installable(false), env)).toThrow(/sub\/name/);
  });
});
