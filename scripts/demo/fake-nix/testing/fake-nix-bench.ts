/** The fake programs of the demo, as an agent starts them, with a repository and a system of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { FAKE_NIX_BIN } from '../../agents.mjs';
import { DEMO_HOSTS } from '../../fleet.mjs';
import { createDemoRepository, type DemoRepository } from '../../repository.mjs';

/** The speed of a fake build in tests. */
const FAST = '500';

/** The path of the attribute that builds a NixOS. */
export const nixosAttribute = (host: string): string => `nixosConfigurations."${host}".config.system.build.toplevel`;

/** One repository for the file; a new system for each test. */
export function useFakeNix() {
  let folder: string;
  let repository: DemoRepository;
  let system: string;

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'nixfleet-demo-test-')));
    repository = await createDemoRepository(folder, DEMO_HOSTS);
  });
  beforeEach(() => {
    system = mkdtempSync(join(folder, 'system-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Starts a program as an agent does: by name, with the fakes first on the PATH. */
  function start(command: readonly string[], options: Record<string, string> = {}) {
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      cwd: repository.work,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        NODE_ENV: 'test',
        PATH: [FAKE_NIX_BIN, process.env.PATH].join(delimiter),
        NIXFLEET_DEMO_SYSTEM: system,
        NIXFLEET_DEMO_SPEED: FAST,
        ...options,
      },
    });
    const output = { out: [] as string[], err: [] as string[] };
    const outLines = createInterface({ input: child.stdout }).on('line', (line) => output.out.push(line));
    const errLines = createInterface({ input: child.stderr }).on('line', (line) => output.err.push(line));
    const ended = Promise.all([once(child, 'exit'), once(outLines, 'close'), once(errLines, 'close')]).then(
      ([[code, signal]]) => ({ code: code as number | null, signal: signal as string | null, ...output }),
    );
    return { child, outLines, errLines, ended };
  }

  const run = (command: readonly string[], options?: Record<string, string>) => start(command, options).ended;
  const flake = (host: string) => `${repository.work}#${host}`;
  const linkOf = () => join(system, 'next-system');

  return {
    get repository() {
      return repository;
    },
    /** The folder of the simulated system. */
    get system() {
      return system;
    },
    start,
    run,
    /** The system that is active. */
    current: () => realpathSync(join(system, 'profile')),
    flake,
    /** The command that builds and activates the configuration of a host. */
    rebuild: (host: string) => ['sudo', 'nixos-rebuild', 'switch', '--flake', flake(host)],
    /** Where the command of `build` links its system. */
    linkOf,
    /** The command with which the agent builds the system of a host. */
    build: (host: string) => [
      ...['nix', '--extra-experimental-features', 'nix-command flakes', 'build', '--log-format', 'internal-json'],
      ...['--out-link', linkOf(), `${repository.work}#${nixosAttribute(host)}`],
    ],
    /** The path that a build of the attribute would have. Throws when the fake Nix refuses it. */
    dryRun: async (attribute: string): Promise<string> => {
      const nix = ['nix', 'build', '--dry-run', '--json', '--no-link'];
      const { code, out, err } = await run([...nix, `${repository.work}#${attribute}`]);
      if (code !== 0) throw new Error(err.join('\n'));
      return /"out":"([^"]+)"/.exec(out.join(''))?.[1] ?? '';
    },
  };
}
