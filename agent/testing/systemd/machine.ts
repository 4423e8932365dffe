/**
 * A NixOS host with the real systemd, inside the container of `npm run test:systemd`: the real Nix with its daemon, the
 * agent as the service of an unprivileged user, the real nixfleet-root through the real sudo, and a stand-in for
 * switch-to-configuration alone. Its files are in the folder that outlives a boot; user and units are made at each boot.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { z } from 'zod';
import { EMPTY_LOCK, flakeOf, type SystemSource } from '../../nixos/testing/nixos-bench';
import { createNixos } from '../../root-helper/testing/nixos';
import { startTestDashboard, TEST_TOKEN } from '../dashboard';
import { createHost } from '../host';

/** Which boot this is; '' outside of it, where every test is skipped. */
export const BOOT = process.env['NIXFLEET_SYSTEMD_BOOT'] ?? '';
const SHARED = process.env['NIXFLEET_SYSTEMD_FOLDER'] ?? '';
/** For expect.poll: long enough for a busy machine. */
export const WAIT = { timeout: 45_000 };

const AGENT = 'nixfleet-agent.service';
const USER = 'nixfleet-test';
/** The files of the agent have the same owner after the second boot. */
const USER_ID = 64_990;
/** May read the output of activations. */
const GROUP = 'nixfleet-agent';

/** Those of `createNixos` and of `createHost`. */
const foldersSchema = z.object({ nixos: z.string(), host: z.string() });
type Folders = z.infer<typeof foldersSchema>;

export type Machine = Awaited<ReturnType<typeof startMachine>>;

/** The first boot: makes the system, the repository and everything else. */
export async function createMachine() {
  requireContainer();
  addUser();
  const nixos = createNixos(1, { group: GROUP, owner: '0', cgroupFile: '/proc/self/cgroup' });
  // The real ones are behind them in the PATH of nixfleet-root.
  for (const name of ['systemctl', 'systemd-run', 'systemd-elapse', 'systemd-kill', 'bootctl'])
    rmSync(nixos.path('tools', name));
  nixos.program(
    'systemd-run',
    `if [[ -e ${nixos.path('held', 'systemd-run')} ]]; then : >${nixos.path('held', 'systemd-run.waits')}; exec sleep 1000; fi\nexec ${which('systemd-run')} "$@"`,
  );
  mkdirSync(nixos.path('held'), { mode: 0o1777 });
  chmodSync(nixos.path('held'), 0o1777);
  const host = createHost();
  for (const folder of [nixos.root, host.root]) chmodSync(folder, 0o755);
  host.program(
    'nix',
    `export NIX_CONF_DIR=${nixos.path('etc')} NIX_STORE_DIR=${nixos.path('store')} NIX_STATE_DIR=${nixos.path('var', 'nix')} NIX_LOG_DIR=${nixos.path('log')} NIX_REMOTE=daemon\nexec ${which('nix')} "$@"`,
  );
  // $1 is -n, $2 nixfleet-root, $3 what it shall do.
  host.program(
    'sudo',
    `if [ -e "${nixos.path('held')}/$3" ]; then : >"${nixos.path('held')}/$3.waits"; exec sleep 1000; fi\nexec ${which('sudo')} "$@"`,
  );
  for (const folder of [host.stateDir, host.path('home')]) {
    mkdirSync(folder);
    execFileSync('chown', [`${USER}:${USER}`, folder]);
  }
  const folders: Folders = { nixos: nixos.root, host: host.root };
  writeFileSync(join(SHARED, 'folders.json'), JSON.stringify(folders));
  return startMachine(folders);
}

/** The next boot, into the system whose boot entry was written last. */
export async function rebootMachine() {
  requireContainer();
  addUser();
  const folders = foldersSchema.parse(JSON.parse(readFileSync(join(SHARED, 'folders.json'), 'utf8')));
  const entry = join(folders.nixos, 'boot-default');
  const link = join(folders.nixos, 'current-system');
  if (existsSync(entry)) {
    rmSync(link);
    symlinkSync(readFileSync(entry, 'utf8').trim(), link);
  }
  return startMachine(folders);
}

/** Gives the tests of a boot after the first their machine, whose agent runs. Call it in `describe`: it registers hooks. */
export function useRebootedMachine(use: (machine: Machine) => void): void {
  let machine: Machine;
  beforeAll(async () => {
    machine = await rebootMachine();
    machine.reset();
    use(machine);
    await machine.startAgent();
  });
  afterEach(() => machine.reset());
  afterAll(() => machine.stop());
}

/** The tests change users, units and git's configuration. */
function requireContainer(): void {
  const manager = existsSync('/run/host/container-manager') ? readFileSync('/run/host/container-manager', 'utf8') : '';
  if (manager.trim() !== 'systemd-nspawn') throw new Error('This is not the container of npm run test:systemd.');
}

function addUser(): void {
  execFileSync('groupadd', ['--gid', String(USER_ID), USER]);
  execFileSync('groupadd', ['--gid', String(USER_ID + 1), GROUP]);
  execFileSync('useradd', ['--uid', String(USER_ID), '--gid', USER, '--no-create-home', USER]);
  // Root pushes to the repository that the agent clones.
  writeFileSync('/etc/gitconfig', '[safe]\n\tdirectory = *\n');
}

const which = (name: string): string => execFileSync('which', [name], { encoding: 'utf8' }).trim();

export const systemctl = (...args: string[]): string =>
  execFileSync('systemctl', ['--no-pager', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** A property of a unit, as systemd knows it now. */
export const property = (unit: string, name: string): string =>
  systemctl('show', '--value', `--property=${name}`, unit);

async function startMachine(folders: Folders) {
  const dashboard = await startTestDashboard();
  const path = (...parts: string[]) => join(folders.nixos, ...parts);
  const hostPath = (...parts: string[]) => join(folders.host, ...parts);
  const helper = path('package', 'bin', 'nixfleet-root');
  const profile = path('var', 'nix', 'profiles', 'system');
  const stateDir = path('state');

  writeFileSync('/etc/sudoers.d/nixfleet', `${USER} ALL=(root) NOPASSWD: ${helper}\n`, { mode: 0o440 });
  writeFileSync('/etc/nixfleet-token', TEST_TOKEN, { mode: 0o600 });
  addUnit('nix-daemon.service', {
    ExecStart: which('nix-daemon'),
    Environment: [
      'PATH=/usr/bin:/bin',
      `NIX_CONF_DIR=${path('etc')}`,
      `NIX_STORE_DIR=${path('store')}`,
      `NIX_STATE_DIR=${path('var', 'nix')}`,
      `NIX_LOG_DIR=${path('log')}`,
    ],
  });
  // As nix/modules/agent-nixos.nix has it, with a shorter RestartSec.
  addUnit(AGENT, {
    ExecStart: `${process.execPath} ${join(SHARED, 'agent.mjs')}`,
    User: USER,
    SupplementaryGroups: `${GROUP} systemd-journal`,
    Restart: 'always',
    RestartSec: '200ms',
    RestartForceExitStatus: '101',
    SuccessExitStatus: '101',
    RestartPreventExitStatus: '78',
    LoadCredential: 'token:/etc/nixfleet-token',
    KillMode: 'mixed',
    TimeoutStopSec: '25',
    OOMPolicy: 'continue',
    OOMScoreAdjust: '-100',
    Delegate: 'yes',
    StandardOutput: `append:${join(SHARED, 'agent.log')}`,
    StandardError: `append:${join(SHARED, 'agent.log')}`,
    Environment: [
      `PATH=${hostPath('bin')}:/usr/bin:/bin`,
      `HOME=${hostPath('home')}`,
      `NIXFLEET_URL=${dashboard.url}`,
      'NIXFLEET_TOKEN_FILE=%d/token',
      `NIXFLEET_REPO_URL=${hostPath('remote.git')}`,
      `NIXFLEET_STATE_DIR=${hostPath('state')}`,
      'NIXFLEET_HOSTNAME=h1',
      'NIXFLEET_HOST_TYPE=nixos',
      'NIXFLEET_INTERVAL=1',
      'NIXFLEET_LOG_LEVEL=debug',
      `NIXFLEET_SYSTEM_LINK=${path('current-system')}`,
      `NIXFLEET_SYSTEM_PROFILE=${profile}`,
      `NIXFLEET_ROOT_HELPER=${helper}`,
    ],
  });
  systemctl('daemon-reload');
  systemctl('start', 'nix-daemon.service');

  const machine = {
    dashboard,
    path,
    profile,
    stateDir,
    agentState: (...parts: string[]) => hostPath('state', ...parts),
    /** Makes the repository build this system; gives the commit. */
    configure(source: SystemSource): string {
      const work = hostPath('work');
      writeFileSync(join(work, 'flake.nix'), flakeOf({ path }, source));
      writeFileSync(join(work, 'flake.lock'), EMPTY_LOCK);
      const git = (...args: string[]) =>
        execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], {
          cwd: work,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        }).trim();
      git('add', '-A');
      git('commit', '-q', '-m', `version ${source.version}`);
      git('push', '-q', 'origin', 'HEAD:main');
      return git('rev-parse', 'HEAD');
    },
    /** Starts the agent's service, and waits until the agent is registered. */
    async startAgent(): Promise<void> {
      const from = dashboard.received.length;
      systemctl('start', AGENT);
      await machine.registered(from);
    },
    /** Waits until an agent registered after the frame of this number and sent its heartbeat. */
    async registered(from: number): Promise<void> {
      const at = await dashboard.until('an agent that registers', () => {
        const index = dashboard.received.findIndex(({ frame }, number) => number >= from && frame.type === 'register');
        return index < 0 ? undefined : index + 1;
      });
      await dashboard.frame('heartbeat', () => true, at);
    },
    /** The result of a command, once the agent that it restarts is registered again. */
    async result(id: string) {
      const result = await dashboard.result(id);
      const at = dashboard.received.findIndex(
        ({ frame }) => frame.type === 'status' && frame.payload.command_id === id,
      );
      if (result.restarting) await machine.registered(at);
      return result;
    },
    /** SIGKILL for every process in the cgroup of the agent's unit; then the next agent, which systemd starts. */
    async killAgent(): Promise<void> {
      const from = dashboard.received.length;
      systemctl('kill', '--signal=SIGKILL', AGENT);
      await machine.registered(from);
    },
    signalAgent: (signal: string) => systemctl('kill', `--signal=${signal}`, AGENT),
    /** How switch-to-configuration ends. */
    ends: (code: number) => writeFileSync(path('stc', 'code'), String(code)),
    /** What switch-to-configuration does after it activated the system. */
    does: (...lines: string[]) =>
      writeFileSync(path('stc', 'during'), `#!/bin/bash\n${lines.join('\n')}\n`, { mode: 0o755 }),
    hangs: () => writeFileSync(path('stc', 'hang'), 'any'),
    /** It waits until `goesOn`. */
    waits: () => writeFileSync(path('stc', 'wait'), ''),
    goesOn: () => writeFileSync(path('stc', 'go-on'), ''),
    /** A call of nixfleet-root, or its `systemd-run`, does not go on. */
    holds: (name: string) => writeFileSync(path('held', name), ''),
    /** Resolves when the file exists. */
    appears: async (...parts: string[]): Promise<void> => {
      await expect.poll(() => existsSync(path(...parts)), WAIT).toBe(true);
    },
    /** Back to an activation that succeeds. */
    reset(): void {
      for (const name of ['code', 'during', 'hang', 'hangs', 'wait', 'waits', 'go-on'])
        rmSync(path('stc', name), { force: true });
      for (const name of readdirSync(path('held'))) rmSync(path('held', name));
    },
    /** Calls nixfleet-root as root; gives the lines KEY=VALUE that it prints. */
    root(...args: string[]): Record<string, string> {
      const end = spawnSync(helper, args, { encoding: 'utf8', env: { NODE_ENV: 'test' } });
      if (end.status !== 0) throw new Error(`${args.join(' ')} ended with ${end.status}: ${end.stderr}`);
      const pairs = end.stdout.split('\n').map((line) => /^([^=]*)=(.*)$/.exec(line));
      return Object.fromEntries(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1] ?? '', pair[2] ?? '']])));
    },
    running: () => readlinkSync(path('current-system')),
    bootDefault: () => readFileSync(path('boot-default'), 'utf8').trim(),
    generation: () => Number(/-(\d+)-link$/.exec(readlinkSync(profile))?.[1]),
    /** Store path of a generation. */
    system: (generation: number) => readlinkSync(`${profile}-${generation}-link`),
    version: () => readFileSync(path('current-system', 'nixos-version'), 'utf8').trim(),
    /** The lines of a command's output by number; fails when a number is missing. */
    output(id: string): string[] {
      const lines = [...dashboard.lines(id)].sort((a, b) => a.seq - b.seq);
      expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
      return lines.map(({ line }) => line);
    },
    /** What is left of ended operations: their folders, the links that protect their systems, and their units. */
    leftovers: () => ({
      folders: existsSync(stateDir) ? readdirSync(stateDir) : [],
      roots: rootsIn(path('var', 'nix', 'gcroots', 'nixfleet-root')),
      units: systemctl('list-units', '--all', '--plain', '--no-legend', 'nixfleet-activate-*', 'nixfleet-back-*'),
      record: existsSync(hostPath('state', 'activation.json')),
    }),
    async stop(): Promise<void> {
      systemctl('stop', AGENT);
      await dashboard.stop();
      expect(dashboard.malformed).toEqual([]);
    },
  };
  return machine;
}

export const NOTHING_LEFT = { folders: [], roots: [], units: '', record: false };

const rootsIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

function addUnit(name: string, settings: Record<string, string | string[]>): void {
  const lines = Object.entries(settings).flatMap(([key, value]) =>
    Array.isArray(value) ? value.map((item) => `${key}="${item}"`) : [`${key}=${value}`],
  );
  const text = ['[Unit]', 'StartLimitIntervalSec=0', '[Service]', ...lines, ''].join('\n');
  writeFileSync(`/etc/systemd/system/${name}`, text);
}

/** A oneshot unit that runs a script. */
export function addScriptUnit(name: string, script: string): void {
  addUnit(name, { Type: 'oneshot', ExecStart: `/bin/sh -c "${script}"` });
}
