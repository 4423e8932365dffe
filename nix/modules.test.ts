/** The modules, evaluated with a substitute for nixpkgs' lib. What needs nixpkgs is listed in docs/nix.md. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseCheckConfig } from '../agent/checks/check-config';
import { VARIABLES } from '@/lib/config/variables';
import type { Variable } from '@/lib/config/variables/variable';
import { restoreCommand } from '@/lib/store/backup/going-back';
import { evaluate, hasNix, NIX_TIMEOUT_MS, ROOT } from './testing/evaluate';
import { evaluateModules, failing, optionsOf, type Modules, type NixosSystem } from './testing/modules';

describe.skipIf(!hasNix)('the modules (skipped without nix-instantiate)', () => {
  let made: Modules;
  beforeAll(() => {
    made = evaluateModules();
  }, NIX_TIMEOUT_MS);

  it('write checks in a form that the agent reads', () => {
    const read = (of: NixosSystem) => parseCheckConfig(of.environment.etc['nixfleet-agent/checks.json'].text);
    expect(read(made.nixos)).toEqual({ config: parseCheckConfig('{}').config, problem: null });
    const { config, problem } = read(made.nixosChecks);
    expect(problem).toBeNull();
    expect(config).toMatchObject({ units: { ignore: ['backup-*.service'], settle: 5 }, tests: 'enforce' });
    expect(config.checks).toEqual([
      expect.objectContaining({ kind: 'http', name: 'web', url: 'http://127.0.0.1/', status: 200, enforced: true }),
      expect.objectContaining({ kind: 'tcp', name: 'ssh', host: '127.0.0.1', port: 22, tries: 6 }),
      expect.objectContaining({ kind: 'command', name: 'disk', command: ['df', '/'], enforced: false }),
    ]);
    expect(failing(made.nixosCheckFaults.assertions)).toEqual([
      'services.nixfleet-agent.checks',
      'services.nixfleet-agent.checks',
    ]);
  });

  it('accept a configuration of NixFleet 3 unchanged, with its rules for the unit', () => {
    const unit = made.nixos.systemd.services['nixfleet-agent'];
    expect(failing(made.nixos.assertions)).toEqual([]);
    expect(unit).toMatchObject({ restartIfChanged: false, stopIfChanged: false });
    expect(unit.serviceConfig).toMatchObject({
      User: 'you',
      Restart: 'always',
      RestartSec: 3,
      RestartForceExitStatus: 101,
      // A switch counts a unit that ended with another code, and is about to start again, as failed.
      SuccessExitStatus: 101,
      RestartPreventExitStatus: 78,
      RestartSteps: 10,
      RestartMaxDelaySec: 20,
      OOMPolicy: 'continue',
      OOMScoreAdjust: -100,
      Delegate: true,
      SupplementaryGroups: ['nixfleet-agent'],
      StateDirectory: 'nixfleet-agent',
      StateDirectoryMode: '0700',
      LoadCredential: 'token:/run/secrets/nixfleet-agent',
    });
    expect(unit.environment['PATH']?.split(':')[0]).toBe('/run/wrappers/bin');
    expect(unit.environment).toMatchObject({
      NIXFLEET_TOKEN_FILE: '%d/token',
      NIXFLEET_INTERVAL: '5',
      NIXFLEET_BUILD_MEMORY: '80%%',
    });
    // These break sudo, and with it every switch.
    for (const name of ['NoNewPrivileges', 'ProtectSystem', 'PrivateUsers', 'DynamicUser', 'RestrictSUIDSGID'])
      expect(unit.serviceConfig).not.toHaveProperty(name);
  });

  it('let the agent’s user run only what it needs as root, with either sudo', () => {
    const commands = (made_: NixosSystem, sudo: 'sudo' | 'sudo-rs') =>
      made_.security[sudo].extraRules.flatMap((rule) => rule.commands.map(({ command }) => command));
    const programs = (names: string[]) => names.map((name) => `/run/current-system/sw/bin/${name}`);
    expect(commands(made.nixos, 'sudo')).toEqual(programs(['nixfleet-root', 'nixos-rebuild', 'kill', 'reboot']));
    expect(commands(made.nixos, 'sudo-rs')).toEqual(commands(made.nixos, 'sudo'));
    expect(commands(made.nixosNoReboot, 'sudo')).toEqual(programs(['nixfleet-root', 'nixos-rebuild', 'kill']));
    expect(commands(made.nixosHelperOnly, 'sudo')).toEqual(programs(['nixfleet-root']));
    expect(commands(made.nixosHelperOnly, 'sudo-rs')).toEqual(programs(['nixfleet-root']));
    expect(made.nixos.security.sudo.extraRules[0]?.users).toEqual(['you']);
  });

  it('install nixfleet-root with fixed paths and the settings of the host', () => {
    const helper = ({ environment: { systemPackages } }: NixosSystem) => {
      const [{ name, text }] = systemPackages;
      expect(name).toMatch(/^nixfleet-root-\d/);
      expect(text.match(/@\w+@/g)).toBeNull();
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      return text;
    };
    const text = helper(made.nixos);
    expect(text.split('\n')[0]).toMatch(/^#!\/nix\/store\/\w{32}-bash\/bin\/bash -p$/);
    expect(text).toMatch(/PATH="(\/nix\/store\/\w{32}-[a-z-]+\/bin:){3}\$current_system\/sw\/bin"/);
    expect(text).toContain("group='nixfleet-agent' allow_reboot='yes'");
    expect(text).toContain("store='/nix/store' profile='/nix/var/nix/profiles/system'");
    expect(helper(made.nixosNoReboot)).toContain("group='nixfleet-agent' allow_reboot='no'");
    expect(helper(made.nixosHelperOnly)).toContain("group='wheel' allow_reboot='yes'");
    expect(made.nixos.users.groups).toEqual({ 'nixfleet-agent': {} });
    // Not created: it exists.
    expect(made.nixosHelperOnly.users.groups).toEqual({});
    const unit = made.nixosHelperOnly.systemd.services['nixfleet-agent'];
    expect(unit.serviceConfig['SupplementaryGroups']).toEqual(['wheel']);
  });

  it('pass values with percent signs, quotes and backslashes to the agent as they are', () => {
    const { environment, serviceConfig } = made.nixosSpecial.systemd.services['nixfleet-agent'];
    // NixOS quotes the assignments itself.
    expect(environment).toMatchObject({
      NIXFLEET_REPO_URL: 'https://you:s%%20c@git.example.org/nixcfg.git',
      NIXFLEET_THEME_COLOR: 'a "quoted" \\ value',
      NIXFLEET_TOKEN_FILE: '%d/token',
    });
    expect(serviceConfig['LoadCredential']).toBe('token:/run/100%%/token');
    const { Service } = made.homeSpecial.systemd.user.services['nixfleet-agent'];
    expect(Service['Environment']).toContain('"NIXFLEET_REPO_URL=https://you:s%%20c@git.example.org/nixcfg.git"');
    expect(Service['Environment']).toContain('"NIXFLEET_THEME_COLOR=a \\"quoted\\" \\\\ value"');
  });

  it('pass values with percent signs to the dashboard as they are', () => {
    const { environment, serviceConfig } = made.dashboardSpecial.systemd.services.nixfleet;
    expect(environment).toMatchObject({
      NIXFLEET_BASE_URL: 'https://fleet.example.org/100%%',
      NIXFLEET_BACKUP_DIR: '/mnt/100%%',
      NIXFLEET_AGENT_TOKEN_FILE: '%d/agent-token',
    });
    expect(serviceConfig).toMatchObject({
      LoadCredential: ['agent-token:/run/100%%/token'],
      EnvironmentFile: ['/run/100%%/env'],
      // One word each.
      ReadWritePaths: ['-/mnt/100%%', '"-/mnt/my backups"'],
    });
    // systemd-run expands nothing in the properties that it is given.
    const given = optionsOf(made.dashboardSpecial.environment.systemPackages[0]?.text ?? '');
    expect(given).toContain('--setenv=NIXFLEET_BACKUP_DIR=/mnt/100%');
    expect(given).toContain('--property=EnvironmentFile=/run/100%/env');
    expect(given).toContain('--property=ReadWritePaths="-/mnt/my backups"');
  });

  it('warn of a password in repoUrl and of a host without sudo', () => {
    expect(made.nixos.warnings).toEqual([]);
    expect(made.nixosSpecial.warnings).toEqual([
      expect.stringContaining('repoUrl contains a password'),
      expect.stringContaining('neither security.sudo nor security.sudo-rs is enabled'),
    ]);
    expect(made.homeSpecial.warnings).toEqual([expect.stringContaining('repoUrl contains a password')]);
    expect(made.credentials.map(({ found }) => found)).toEqual([
      ...[true, true, true],
      ...[false, false, false, false, false, false],
    ]);
  });

  it('warn of secrets in the settings of the dashboard', () => {
    expect(made.dashboard.warnings).toEqual([]);
    expect(made.dashboardSpecial.warnings).toEqual([
      expect.stringContaining('settings.NIXFLEET_GITHUB_TOKEN is a secret'),
      expect.stringContaining('settings.NIXFLEET_CONFIG_REPO contains a password'),
    ]);
    const variables: readonly Variable<unknown>[] = Object.values(VARIABLES);
    const secrets = variables
      .filter(({ shows }) => shows === 'secret')
      .flatMap(({ name, formerly }) => [name, ...(formerly === undefined ? [] : [formerly.name])]);
    expect(made.secretVariables).toEqual(secrets.sort());
  });

  it('warn, in a NixOS, of a user service that ends at log-out, and of one that switches the system without sudo', () => {
    expect(made.homeInNixos.warnings).toEqual([]);
    // Home Manager alone can't know.
    expect(made.homeLinux.warnings).toEqual([]);
    expect(made.homeWithoutLinger.warnings).toEqual([
      expect.stringContaining('users.users.you.linger = true'),
      expect.stringContaining('neither security.sudo nor security.sudo-rs is enabled'),
    ]);
    expect(made.homeOnly.warnings).toEqual([expect.stringContaining('users.users.you.linger = true')]);
  });

  it('name the way out where the nixpkgs of the flake does not support the system of the host', () => {
    const expression = `import ./nix/modules/package-for.nix { self.packages = { }; system = "x86_64-darwin"; } "nixfleet-agent"`;
    expect(() => evaluate(expression)).toThrow(/does not support x86_64-darwin\. Let the input of the flake follow/);
  });

  it('have keys, so that an import from two places counts once', () => {
    expect(new Set(made.keys).size).toBe(4);
  });

  it('pass every option on, and omit empty ones', () => {
    expect(made.nixosEverything.systemd.services['nixfleet-agent'].environment).toMatchObject({
      NIXFLEET_URL: 'wss://fleet.example.org/ws',
      NIXFLEET_REPO_URL: 'https://git.example.org/you/nixcfg.git',
      NIXFLEET_INTERVAL: '30',
      NIXFLEET_LOG_LEVEL: 'debug',
      NIXFLEET_HOSTNAME: 'h1',
      NIXFLEET_FLAKE_ATTRIBUTE: 'you@h1',
      NIXFLEET_FLAKE_DIR: 'systems/home',
      NIXFLEET_SUBMODULES: 'true',
      NIXFLEET_NIXPKGS_VERSION: '25.11',
      NIXFLEET_THEME_COLOR: '#7aa2f7',
      NIXFLEET_LOCATION: 'cloud',
      NIXFLEET_DEVICE_TYPE: 'server',
      NIXFLEET_SSH_KEY: '/run/secrets/key',
    });
    expect(made.nixos.systemd.services['nixfleet-agent'].environment).not.toHaveProperty('NIXFLEET_HOSTNAME');
    expect(made.nixos.systemd.services['nixfleet-agent'].environment).not.toHaveProperty('NIXFLEET_SUBMODULES');
  });

  it('set only variables that the agent reads', () => {
    const known = new Set(
      [...readFileSync(join(ROOT, 'agent/config.ts'), 'utf8').matchAll(/'(NIXFLEET_[A-Z_]+)'/g)].map(
        ([, name]) => name,
      ),
    );
    const set = Object.keys(made.nixosEverything.systemd.services['nixfleet-agent'].environment);
    expect(set.filter((name) => name.startsWith('NIXFLEET_') && !known.has(name))).toEqual([]);
  });

  it('report invalid options', () => {
    expect(failing(made.nixosFaults.assertions)).toEqual([
      'services.nixfleet-agent.url',
      'services.nixfleet-agent',
      'services.nixfleet-agent.user',
    ]);
    expect(made.refused).toEqual({
      checkAddress: 'refused',
      checkMisspelt: 'refused',
      checkWithoutPort: 'refused',
      interval: 'refused',
      location: 'refused',
      misspelt: 'refused',
      outputGroup: 'refused',
      tokenFile: 'refused',
    });
    expect(made.nixosOff).toEqual({});
  });

  it('define a launchd agent on macOS, without a wrapper', () => {
    const home = made.homeDarwin.launchd.agents['nixfleet-agent'];
    expect(home.enable).toBe(true);
    for (const agent of [home.config, made.darwin.launchd.user.agents['nixfleet-agent'].serviceConfig]) {
      expect(agent).toMatchObject({ Label: 'com.nixfleet.agent', KeepAlive: true, RunAtLoad: true });
      expect(agent.EnvironmentVariables).toMatchObject({
        NIXFLEET_TOKEN_FILE: '/run/secrets/nixfleet-agent',
        NIXFLEET_STATE_DIR: '/Users/you/.local/state/nixfleet-agent',
      });
      // A token in the environment would be in the store.
      expect(agent.EnvironmentVariables).not.toHaveProperty('NIXFLEET_TOKEN');
    }
  });

  it('define a user service of Home Manager elsewhere', () => {
    const { Service, Unit } = made.homeLinux.systemd.user.services['nixfleet-agent'];
    expect(Service).toMatchObject({ Restart: 'always', RestartForceExitStatus: 101 });
    expect(Service['Environment']).toContain('"NIXFLEET_HOST_TYPE=macos"');
    expect(Service).toMatchObject({ SuccessExitStatus: 101, RestartPreventExitStatus: 78 });
    expect(Service).toMatchObject({ RestartSec: 3, RestartSteps: 10, RestartMaxDelaySec: 20, OOMPolicy: 'continue' });
    expect(Unit).toMatchObject({ 'X-RestartIfChanged': false, 'X-SwitchMethod': 'keep-old' });
    const path = z
      .array(z.string())
      .parse(Service['Environment'])
      .find((line) => line.startsWith('"PATH='));
    expect(path?.slice('"PATH='.length, -1).split(':')).toEqual([
      '/run/wrappers/bin',
      '/home/you/.nix-profile/bin',
      '/home/you/.local/state/nix/profile/bin',
      '/etc/profiles/per-user/you/bin',
      '/run/current-system/sw/bin',
      '/nix/var/nix/profiles/default/bin',
      '/usr/bin',
      '/bin',
    ]);
  });

  it('run the dashboard in a sandbox, with secrets from files', () => {
    const unit = made.dashboard.systemd.services.nixfleet;
    expect(unit.serviceConfig).toMatchObject({
      DynamicUser: true,
      NoNewPrivileges: true,
      ProtectSystem: 'strict',
      StateDirectory: 'nixfleet',
      UMask: '0077',
      Restart: 'on-failure',
      RestartSec: 5,
      RestartSteps: 5,
      RestartMaxDelaySec: 60,
      // Without @pkey, the kernel kills Node 24 at once.
      SystemCallFilter: ['@system-service', '@pkey', '~@privileged'],
      LoadCredential: ['password-hash:/run/secrets/hash', 'agent-token:/run/secrets/token'],
    });
    expect(unit.environment).toMatchObject({
      NIXFLEET_BASE_URL: 'https://fleet.example.org',
      NIXFLEET_PASSWORD_HASH_FILE: '%d/password-hash',
      NIXFLEET_AGENT_TOKEN_FILE: '%d/agent-token',
      NIXFLEET_REQUIRE_TOTP: 'false',
    });
    expect(made.dashboard.networking.firewall.allowedTCPPorts).toEqual([9000]);
    expect(failing(made.dashboardFault.assertions)).toEqual(['services.nixfleet']);
  });

  it('install the command that the dashboard names for going back, with the service’s user, data and settings', () => {
    const [, named] = /^sudo (\S+) restore /.exec(restoreCommand('nix', '/var/lib/nixfleet/backups/b.db')) ?? [];
    const [command, ...more] = made.dashboard.environment.systemPackages;
    expect(more).toEqual([]);
    expect(command?.name).toBe(named);
    // The backups lie in the state directory, which belongs to the user of the service and is writable in its sandbox.
    const { environment, serviceConfig } = made.dashboard.systemd.services.nixfleet;
    expect(environment).not.toHaveProperty('NIXFLEET_BACKUP_DIR');
    expect(environment['NIXFLEET_DATA_DIR']).toBe(`/var/lib/${String(serviceConfig['StateDirectory'])}`);
    const given = optionsOf(command?.text ?? '');
    for (const option of [
      '--property=DynamicUser=yes',
      '--property=User=nixfleet',
      `--property=StateDirectory=${String(serviceConfig['StateDirectory'])}`,
      `--setenv=NIXFLEET_DATA_DIR=${environment['NIXFLEET_DATA_DIR'] ?? ''}`,
      '--setenv=NIXFLEET_CONFIG_REPO=https://git.example.org/you/nixcfg.git',
      '--setenv=NIXFLEET_REQUIRE_TOTP=false',
    ])
      expect(given).toContain(option);
    expect(given.slice(-2)).toEqual([expect.stringMatching(/nixfleet\/bin\/nixfleet$/), 'restore']);
  });

  it('let service and command write to folders for backups elsewhere', () => {
    const { systemd, environment } = made.dashboardBackups;
    expect(systemd.services.nixfleet.serviceConfig['ReadWritePaths']).toEqual(['-/mnt/backups', '-/mnt/share']);
    const given = optionsOf(environment.systemPackages[0]?.text ?? '');
    expect(given).toContain('--property=ReadWritePaths=-/mnt/backups');
    expect(given).toContain('--setenv=NIXFLEET_BACKUP_DIR=/mnt/backups');
    expect(given).toContain('--property=EnvironmentFile=/run/secrets/nixfleet.env');
  });
});
