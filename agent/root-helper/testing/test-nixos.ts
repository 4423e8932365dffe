/**
 * A NixOS for tests of nixfleet-root: the real Nix with a private store, a profile and generations, and stand-ins for
 * systemd and switch-to-configuration. Everything is under one temporary folder.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileAppears } from '../../testing/host';

const HELPER = join(import.meta.dirname, '..', 'nixfleet-root');
const BASH = '/bin/bash';
const RUN_TIMEOUT_MS = 60_000;
/** For expect.poll: long enough for a busy machine. */
export const WAIT = { timeout: 45_000 };

/** Whether this machine has what the tests need. */
export const hasNix =
  process.platform === 'linux' && existsSync(BASH) && spawnSync('nix-store', ['--version']).status === 0;

export interface HelperEnd {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The lines KEY=VALUE of stdout. */
  values: Record<string, string>;
}

export interface HelperOptions {
  env?: Record<string, string>;
  /** A shell command that runs the helper as "$@". */
  through?: string;
}

export type TestNixos = ReturnType<typeof openNixos>;

/** Of a host that shares the Nix of another folder, below its name. */
const ownFolder = (root: string, nixRoot: string) => (root === nixRoot ? '' : basename(root));
const profilesIn = (root: string, nixRoot: string) => join(nixRoot, 'var', 'nix', 'profiles', ownFolder(root, nixRoot));
const profileIn = (root: string, nixRoot: string) => join(profilesIn(root, nixRoot), 'system');
const gcRootsIn = (root: string, nixRoot: string) =>
  join(nixRoot, 'var', 'nix', 'gcroots', ownFolder(root, nixRoot), 'nixfleet-root');
/** The environment of the Nix of a folder. */
const nixVariablesOf = (nixRoot: string) => ({
  HOME: join(nixRoot, 'home'),
  NIX_CONF_DIR: join(nixRoot, 'etc'),
  NIX_STORE_DIR: join(nixRoot, 'store'),
  NIX_STATE_DIR: join(nixRoot, 'var', 'nix'),
  NIX_LOG_DIR: join(nixRoot, 'log'),
  NIX_REMOTE: 'local',
});

/**
 * Makes the files, and builds the systems: gives their store paths. `nixRoot`: the folder of the Nix, which several hosts may
 * share.
 */
export function makeNixos(
  root: string,
  versions: number,
  settings: Record<string, string> = {},
  nixRoot = root,
): string[] {
  const path = (...parts: string[]) => join(root, ...parts);
  for (const folder of ['tools', 'units', 'stc', 'home', 'package/bin']) mkdirSync(path(folder), { recursive: true });
  for (const folder of [join(nixRoot, 'etc'), join(nixRoot, 'home'), profilesIn(root, nixRoot)])
    mkdirSync(folder, { recursive: true });
  writeFileSync(join(nixRoot, 'etc', 'nix.conf'), 'sandbox = false\nbuild-users-group =\nsubstituters =\n');
  writeFileSync(path('cgroup'), '0::/user.slice\n');
  writeFileSync(path('calls'), '');
  const nixVariables = Object.entries(nixVariablesOf(nixRoot))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
  for (const tool of ['nix-env', 'nix-store', 'nix-build'])
    writeProgram(
      path('tools', tool),
      `echo "${tool} $*" >>"${path('calls')}"\nexport ${nixVariables}\nexec "${which(tool)}" "$@"`,
    );
  for (const tool of ['systemctl', 'systemd-run', 'systemd-elapse', 'systemd-kill', 'bootctl']) {
    copyFileSync(join(import.meta.dirname, 'systemd.sh'), path('tools', tool));
    chmodSync(path('tools', tool), 0o755);
  }
  const helper = path('package', 'bin', 'nixfleet-root');
  const placeholders: Record<string, string> = {
    version: '0.0.0-test',
    bash: BASH,
    self: helper,
    tools: `${path('tools')}:/usr/bin:/bin`,
    owner: String(process.getuid?.()),
    group: String(process.getgid?.()),
    allowReboot: 'yes',
    stateDir: path('state'),
    storeDir: join(nixRoot, 'store'),
    profile: profileIn(root, nixRoot),
    gcRoots: gcRootsIn(root, nixRoot),
    currentSystem: path('current-system'),
    bootedSystem: path('booted-system'),
    switchLock: path('stc', 'lock'),
    cgroupFile: path('cgroup'),
    retrySeconds: '0',
    ...settings,
  };
  const text = readFileSync(HELPER, 'utf8').replaceAll(
    /@(\w+)@/g,
    (whole, name: string) => placeholders[name] ?? whole,
  );
  writeFileSync(helper, text, { mode: 0o755 });

  const script = path('switch-to-configuration.sh');
  const standIn = readFileSync(join(import.meta.dirname, 'switch-to-configuration.sh'), 'utf8');
  writeFileSync(script, standIn.replace('@root@', root));
  const systems = Array.from({ length: versions }, (_, index) => {
    const system = buildIn(
      root,
      `nixos-system-h1-25.11.${index + 1}`,
      `mkdir -p $out/bin $out/sw; ln -s ${path('tools')} $out/sw/bin; echo 25.11.${index + 1} > $out/nixos-version; cp ${script} $out/bin/switch-to-configuration; chmod +x $out/bin/switch-to-configuration`,
    );
    nixIn(root, 'nix-env', '-p', profileIn(root, nixRoot), '--set', system);
    return system;
  });
  nixIn(root, 'nix-env', '-p', profileIn(root, nixRoot), '--switch-generation', '1');
  symlinkSync(systems[0] ?? '', path('current-system'));
  symlinkSync(systems[0] ?? '', path('booted-system'));
  writeFileSync(path('calls'), '');
  return systems;
}

const nixIn = (root: string, tool: string, ...args: string[]): string =>
  execFileSync(join(root, 'tools', tool), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

function buildIn(root: string, name: string, script: string): string {
  const file = join(root, 'expression.nix');
  const builder = `PATH=/usr/bin:/bin; set -eu; ${script}`;
  writeFileSync(
    file,
    `derivation { name = ${JSON.stringify(name)}; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" ${JSON.stringify(builder)} ]; }`,
  );
  return nixIn(root, 'nix-build', '--no-out-link', file);
}

function writeProgram(path: string, script: string): void {
  writeFileSync(path, `#!${BASH}\n${script}\n`, { mode: 0o755 });
}

/** `onRemoved` is called once its folder is removed. */
export function openNixos(root: string, systems: readonly string[], onRemoved: () => void, nixRoot = root) {
  const path = (...parts: string[]) => join(root, ...parts);
  const helper = path('package', 'bin', 'nixfleet-root');
  const stateDir = path('state');
  const gcRoots = gcRootsIn(root, nixRoot);
  const profile = profileIn(root, nixRoot);

  const nixos = {
    root,
    path,
    helper,
    stateDir,
    profile,
    /** The environment of its Nix. */
    nixVariables: nixVariablesOf(nixRoot),
    nix: (tool: string, ...args: string[]) => nixIn(root, tool, ...args),
    program: (name: string, script: string) => writeProgram(path('tools', name), script),
    /** The systems, by version from 1: use `system(1)`. */
    system: (version: number): string => systems[version - 1] ?? '',
    /** Builds a derivation whose script makes `$out`. */
    build: (name: string, script: string): string => buildIn(root, name, script),
    run(args: readonly string[], { env = {}, through }: HelperOptions = {}): HelperEnd {
      const [file, given] =
        through === undefined ? [helper, args] : ['/bin/sh', ['-c', through, 'sh', helper, ...args]];
      const end = spawnSync(file, given, {
        env: { NODE_ENV: 'test', ...env },
        encoding: 'utf8',
        timeout: RUN_TIMEOUT_MS,
        cwd: root,
      });
      if (end.error !== undefined) throw end.error;
      const values: Record<string, string> = {};
      for (const line of end.stdout.split('\n')) {
        const at = line.indexOf('=');
        if (at >= 0) values[line.slice(0, at)] = line.slice(at + 1);
      }
      return { code: end.status, stdout: end.stdout, stderr: end.stderr, values };
    },
    /** Runs a command that must succeed. */
    ok(...args: string[]): Record<string, string> {
      const end = nixos.run(args);
      if (end.code !== 0) throw new Error(`${args.join(' ')} ended with ${end.code}: ${end.stderr}`);
      return end.values;
    },
    /** Starts what runs in a unit, and waits for its result. */
    async job(...args: string[]): Promise<Record<string, string>> {
      nixos.ok(...args);
      await fileAppears(join(stateDir, args[1] ?? '', 'result'));
      return nixos.ok('status', args[1] ?? '');
    },
    /** What nixfleet-root and the programs below it called, without reading from systemd. */
    calls: (): string[] =>
      readFileSync(path('calls'), 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !/^systemctl (?:list-units|show)|^nix-store --check-validity/.test(line)),
    forgetCalls: () => writeFileSync(path('calls'), ''),
    /** How switch-to-configuration ends from now on. */
    ends: (code: number) => writeFileSync(path('stc', 'code'), String(code)),
    /** `any`: whatever it activates. */
    hangs: (system: string | null) => writeFileSync(path('stc', 'hang'), system ?? ''),
    /** Activations wait until the file `stc/go-on` appears; `stc/waits` says that one does. */
    waits: () => writeFileSync(path('stc', 'wait'), ''),
    /** Kills all processes of a unit. */
    killUnit: (unit: string) =>
      spawnSync('kill', ['-KILL', '--', `-${readFileSync(path('units', unit, 'pid'), 'utf8').trim()}`]),
    /** The timer of a round elapses. */
    elapse: (id: string, round = 1) => execFileSync(path('tools', 'systemd-elapse'), [`nixfleet-back-${id}.${round}`]),
    /** The machine was started again: it runs this system, no unit is left, and the timer of the operation belongs to the boot before. */
    restarted(system: string, id: string): void {
      for (const unit of readdirSync(path('units'))) spawnSync(path('tools', 'systemctl'), ['stop', '--', unit]);
      rmSync(path('current-system'));
      symlinkSync(system, path('current-system'));
      const armed = join(stateDir, id, 'armed');
      const lines = readFileSync(armed, 'utf8').replace(/^boot_id=.*$/m, 'boot_id=before');
      chmodSync(armed, 0o640);
      writeFileSync(armed, lines);
    },
    running: () => readlinkSync(path('current-system')),
    bootDefault: () => (existsSync(path('boot-default')) ? readFileSync(path('boot-default'), 'utf8').trim() : ''),
    generation: () => Number(/-(\d+)-link$/.exec(readlinkSync(profile))?.[1]),
    /** The system that the profile points at. */
    generationSystem: () => readlinkSync(`${profile}-${nixos.generation()}-link`),
    generations: () =>
      readdirSync(profilesIn(root, nixRoot))
        .flatMap((name) => /^system-(\d+)-link$/.exec(name)?.[1] ?? [])
        .map(Number)
        .sort((a, b) => a - b),
    roots: () => (existsSync(gcRoots) ? readdirSync(gcRoots).sort() : []),
    /** What `forget` must leave: nothing. */
    remove(): void {
      for (const unit of readdirSync(path('units'))) {
        const file = path('units', unit, 'pid');
        if (!existsSync(file) || readFileSync(path('units', unit, 'sub'), 'utf8') !== 'running') continue;
        spawnSync(path('tools', 'systemd-kill'), [unit]);
      }
      endProcessesOf(root);
      removeFolder(root);
      onRemoved();
    },
  };

  return nixos;
}

export function copyFolder(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to]);
}

/** What Nix built is read-only. */
export function removeFolder(folder: string): void {
  spawnSync('chmod', ['-R', 'u+w', folder]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Ends the programs that still work in the folder, such as a nixfleet-root whose caller was killed. */
function endProcessesOf(folder: string): void {
  for (let running = processesOf(folder); running.length > 0; running = processesOf(folder))
    spawnSync('kill', ['-KILL', '--', ...running]);
}

/**
 * The numbers of the processes whose command line or environment names the folder: the next test may use the same path.
 * Those that have ended have none.
 */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').filter((number) => {
    if (!/^\d+$/.test(number) || Number(number) === process.pid) return false;
    try {
      return ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${number}/${file}`, 'utf8').includes(folder));
    } catch {
      return false;
    }
  });
}

function which(name: string): string {
  return execFileSync('which', [name], { encoding: 'utf8' }).trim();
}
