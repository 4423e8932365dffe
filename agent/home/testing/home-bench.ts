/**
 * A host with Home Manager for tests of the real agent as a process: the real Nix with a private store, a real profile
 * with generations, the configuration as a real flake in a git clone, and stand-ins for `home-manager` and for the
 * activation script.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { EMPTY_LOCK } from '../../nixos/testing/nixos-bench';
import { useAgentBundle } from '../../testing/agent-bench';
import { startTestDashboard, type TestDashboard } from '../../testing/dashboard';
import { createHost, type AgentProcess, type TestHost } from '../../testing/host';

/**
 * `legacy`: a package from before driver versions, whose activation always sets the profile. `older`: its activation sets
 * the link to the active generation together with the files.
 */
export interface HomeSource {
  version: string;
  legacy?: boolean;
  older?: boolean;
  fails?: boolean;
}
/** `check`: before anything changes. `services`: after the files are linked. */
export type FailingStep = 'check' | 'services';

export type HomeBench = ReturnType<typeof createHomeBench>;

export function createHomeBench(bundle: string, dashboard: TestDashboard) {
  const host: TestHost = createHost();
  const profile = host.path('.local', 'state', 'nix', 'profiles', 'home-manager');
  for (const folder of [join(profile, '..'), host.path('etc')]) mkdirSync(folder, { recursive: true });
  writeFileSync(
    host.path('etc', 'nix.conf'),
    'sandbox = false\nbuild-users-group =\nsubstituters =\nexperimental-features = nix-command flakes\nflake-registry =\n',
  );
  const variables = {
    NIX_CONF_DIR: host.path('etc'),
    NIX_STORE_DIR: host.path('store'),
    NIX_STATE_DIR: host.path('var', 'nix'),
    NIX_LOG_DIR: host.path('log'),
    NIX_REMOTE: 'local',
  };
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}=${value}`);
  for (const tool of ['nix', 'nix-env']) {
    const real = execFileSync('which', [tool], { encoding: 'utf8' }).trim();
    host.program(tool, [...exports, `exec ${real} "$@"`].join('\n'));
  }
  host.program('home-manager', script('home-manager.sh'));
  const activate = host.path('activate.sh');
  writeFileSync(activate, `#!/bin/sh\n${script('activate.sh')}`);
  writeFileSync(host.path('fails'), '');

  function script(name: string): string {
    return readFileSync(join(import.meta.dirname, name), 'utf8').replaceAll('@root@', host.root);
  }

  const bench = {
    host,
    dashboard,
    profile,
    /** Makes the repository build this generation. */
    configure(source: HomeSource): void {
      host.commit({ 'flake.nix': flakeOf(activate, source), 'flake.lock': EMPTY_LOCK }, `version ${source.version}`);
    },
    /** The activation of this version fails from now on; null: of none. */
    fails: (version: string | null, step: FailingStep = 'check') =>
      writeFileSync(host.path('fails'), version === null ? '' : `${version} ${step}\n`),
    async start(): Promise<AgentProcess> {
      const from = dashboard.received.length;
      const more = { NIXFLEET_HOST_TYPE: 'macos', NIXFLEET_SYSTEM_LINK: '' };
      const agent = host.start(bundle, dashboard.url, more);
      await dashboard.frame('register', () => true, from);
      return agent;
    },
    async run(command: string) {
      const id = `${command}-${++commands}`;
      dashboard.command(command, id);
      return dashboard.result(id);
    },
    /** Builds this version, pulls it and switches to it. */
    async switchTo(source: HomeSource) {
      bench.configure(source);
      return bench.run('pull-switch');
    },
    /** The number of the profile's generation. */
    generation: () => Number(/-(\d+)-link$/.exec(readlinkSync(profile))?.[1]),
    /** The version whose files are linked. */
    linked: () => versionAt(host.path('linked')),
    /** The version that Home Manager calls the current one. */
    active: () => versionAt(host.path('.local', 'state', 'home-manager', 'gcroots', 'current-home')),
    nixEnv: (...args: string[]) =>
      execFileSync(join(host.bin, 'nix-env'), ['--profile', profile, ...args], { stdio: 'pipe' }),
    memory: (): unknown => JSON.parse(readFileSync(join(host.stateDir, 'home-generations.json'), 'utf8')),
    async remove(): Promise<void> {
      // Folders of the store are read-only.
      spawnSync('chmod', ['-R', 'u+w', host.path('store')]);
      await host.remove();
      rmSync(host.root, { recursive: true, force: true });
    },
  };
  let commands = 0;
  return bench;
}

/** Gives each test such a host and a dashboard. Afterwards nothing of them runs, and every frame was readable. */
export function useHomeBench(use: (bench: HomeBench) => void): void {
  let bundle = '';
  useAgentBundle((path) => {
    bundle = path;
  });
  let bench: HomeBench;
  beforeEach(async () => {
    bench = createHomeBench(bundle, await startTestDashboard());
    use(bench);
  });
  afterEach(async () => {
    await bench.remove();
    await bench.dashboard.stop();
    expect(bench.dashboard.malformed).toEqual([]);
  });
}

const versionAt = (link: string): string => readFileSync(join(realpathSync(link), 'version'), 'utf8').trim();

function flakeOf(activate: string, { version, legacy, older, fails }: HomeSource): string {
  const steps = [
    'mkdir $out',
    `echo ${version} > $out/version`,
    `cp ${activate} $out/activate`,
    'chmod +x $out/activate',
    ...(legacy === true ? [] : ['echo 1 > $out/gen-version']),
    ...(older === true ? ['touch $out/older'] : []),
    ...(fails === true ? ['echo "fatal error: missing.h: No such file or directory" >&2', 'exit 3'] : []),
  ];
  return `{
  outputs = _: {
    homeConfigurations.h1.activationPackage = derivation {
      name = "home-manager-generation";
      system = "x86_64-linux";
      builder = "/bin/sh";
      args = [ "-c" ${JSON.stringify(`PATH=/usr/bin:/bin; set -eu; ${steps.join('; ')}`).replaceAll('${', '\\${')} ];
    };
  };
}
`;
}
