/**
 * A NixOS host for tests of the real agent as a process: the real Nix with a private store, the real nixfleet-root, the
 * configuration as a real flake in a git clone, and stand-ins for systemd and switch-to-configuration.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createNixos, type TestNixos } from '../../root-helper/testing/nixos';
import { useAgentBundle } from '../../testing/agent-bench';
import { startTestDashboard, type TestDashboard } from '../../testing/dashboard';
import { createHost, type AgentProcess, type TestHost } from '../../testing/host';
import { afterEach, beforeEach, expect } from 'vitest';

export interface SystemSource {
  version: string;
  fails?: boolean;
  /** A build that writes its process number to `building` and waits for the file `slow-<version>`, both below the root. */
  slow?: boolean;
  /** An evaluation that prints "evaluating" and then takes hours, or all memory. */
  evaluates?: 'for hours' | 'memory';
  /** Bytes that the build writes into the store beside its result. */
  size?: number;
  inhibitors?: Record<string, string>;
  /** The name of a variant of the system, whose store path is behind a link, as NixOS has it. */
  specialisation?: string;
  /** The content of its file of checks. */
  checks?: object;
  /** The content of the file of its policy. */
  policy?: object;
}

/** The lock of a flake without inputs. */
export const EMPTY_LOCK = '{ "nodes": { "root": {} }, "root": "root", "version": 7 }\n';

export type NixosBench = ReturnType<typeof createNixosBench>;

export function createNixosBench(bundle: string, dashboard: TestDashboard) {
  const nixos: TestNixos = createNixos(1);
  const host: TestHost = createHost();
  const variables = {
    HOME: nixos.path('home'),
    NIX_CONF_DIR: nixos.path('etc'),
    NIX_STORE_DIR: nixos.path('store'),
    NIX_STATE_DIR: nixos.path('var', 'nix'),
    NIX_LOG_DIR: nixos.path('log'),
    NIX_REMOTE: 'local',
  };
  const failedUnits = nixos.path('failed-units');
  const nix = execFileSync('which', ['nix'], { encoding: 'utf8' }).trim();
  host.program(
    'nix',
    `${Object.entries(variables)
      .map(([name, value]) => `export ${name}=${value}`)
      .join('\n')}\necho $$ >${nixos.path('nix-process')}\nexec ${nix} "$@"`,
  );
  // The agent asks which units failed; everything else is for the stand-in of systemd.
  host.program(
    'systemctl',
    `case "$*" in
  "show --type=service "*) ;;
  "show --state=failed "*) while read -r unit _; do printf 'Id=%s\nActiveState=failed\nSubState=failed\nNRestarts=0\n\n' "$unit"; done <${failedUnits};;
  *--state=failed*) cat ${failedUnits};;
  *) exec ${nixos.path('tools', 'systemctl')} "$@";;
esac`,
  );
  host.program('journalctl', 'echo "the last words of $2"');
  writeFileSync(failedUnits, '');

  return {
    nixos,
    host,
    dashboard,
    /** Makes the repository build this system; gives the commit. */
    configure(source: SystemSource): string {
      const files = { 'flake.nix': flakeOf(nixos, source), 'flake.lock': EMPTY_LOCK };
      return host.commit(files, `version ${source.version}`);
    },
    /** Units in the state `failed`, from now on. */
    failedUnits(...units: string[]): void {
      writeFileSync(failedUnits, units.map((unit) => `${unit} loaded failed failed A unit\n`).join(''));
    },
    async start(more: Record<string, string> = {}): Promise<AgentProcess> {
      const from = dashboard.received.length;
      const agent = host.start(bundle, dashboard.url, {
        NIXFLEET_ROOT_HELPER: nixos.helper,
        NIXFLEET_SYSTEM_LINK: nixos.path('current-system'),
        NIXFLEET_SYSTEM_PROFILE: nixos.profile,
        ...more,
      });
      // No heartbeat: one that reports an activation may end before it.
      await dashboard.frame('register', () => true, from);
      return agent;
    },
    /** What was called as root to change something. */
    changes: (): string[] => nixos.calls().filter((call) => !call.startsWith('systemctl ')),
    /** Runs a command to its end, and the agent again if that restarted it. */
    async run(agent: AgentProcess, command: string, id: string): Promise<AgentProcess> {
      dashboard.command(command, id);
      const { restarting } = await dashboard.result(id);
      if (!restarting) return agent;
      await agent.exit;
      return this.start();
    },
    /** The host takes another command, and that one does what it always does. */
    async expectFree(): Promise<void> {
      this.configure({ version: 'next' });
      dashboard.command('pull-switch', 'next');
      expect(await dashboard.result('next')).toMatchObject({ status: 'ok', exit_code: 0 });
      expect(readFileSync(`${nixos.running()}/nixos-version`, 'utf8')).toBe('next\n');
    },
    /** The lines of a command's output, each once, by number. */
    output(id: string): string[] {
      const lines = [...dashboard.lines(id)].sort((a, b) => a.seq - b.seq);
      return lines.map(({ line }) => line);
    },
    async remove(): Promise<void> {
      await host.remove();
      nixos.remove();
    },
  };
}

/** Gives each test such a host and a dashboard. Afterwards nothing of them runs, and every frame was readable. */
export function useNixosBench(use: (bench: NixosBench) => void): void {
  let bundle = '';
  useAgentBundle((path) => {
    bundle = path;
  });
  let bench: NixosBench;
  beforeEach(async () => {
    bench = createNixosBench(bundle, await startTestDashboard());
    use(bench);
  });
  afterEach(async () => {
    await bench.remove();
    await bench.dashboard.stop();
    expect(bench.dashboard.malformed).toEqual([]);
  });
}

const EVALUATIONS = {
  // Three loops in each other, without memory that grows.
  'for hours': `let list = builtins.genList (x: x) 10000; sum = f: builtins.foldl' (a: _: a + f null) 0 list; in sum (_: sum (_: sum (_: 1)))`,
  // A text of a GiB: it grows faster than the kernel can free other pages.
  memory: `builtins.stringLength (builtins.foldl' (text: _: text + text) "x" (builtins.genList (x: x) 30))`,
};

/** The repository's flake.nix. */
export function flakeOf(nixos: Pick<TestNixos, 'path'>, source: SystemSource): string {
  const { version, fails, slow, evaluates, size, inhibitors, specialisation, checks, policy } = source;
  const script = [
    'mkdir -p $out/bin $out/sw',
    `ln -s ${nixos.path('tools')} $out/sw/bin`,
    `echo ${version} > $out/nixos-version`,
    `cp ${nixos.path('switch-to-configuration.sh')} $out/bin/switch-to-configuration`,
    'chmod +x $out/bin/switch-to-configuration',
    ...(checks === undefined
      ? []
      : ['mkdir -p $out/etc/nixfleet-agent', `echo '${JSON.stringify(checks)}' > $out/etc/nixfleet-agent/checks.json`]),
    ...(policy === undefined
      ? []
      : ['mkdir -p $out/etc/nixfleet-agent', `echo '${JSON.stringify(policy)}' > $out/etc/nixfleet-agent/policy.json`]),
    ...(inhibitors === undefined ? [] : [`echo '${JSON.stringify(inhibitors)}' > $out/switch-inhibitors`]),
  ];
  const library = [
    'echo compiling',
    `cat /proc/self/oom_score_adj > ${nixos.path('build-oom-score')}`,
    ...(slow === true
      ? [
          `echo $$ > ${nixos.path('pid')}; mv ${nixos.path('pid')} ${nixos.path('building')}; while ! [ -e ${nixos.path(`slow-${version}`)} ]; do sleep 0.05; done`,
        ]
      : []),
    ...(fails === true ? ['echo "fatal error: missing.h: No such file or directory" >&2', 'exit 3'] : []),
    'mkdir $out; echo ok > $out/ok',
    ...(size === undefined ? [] : [`head -c ${size} /dev/zero > $out/data`]),
  ];
  const evaluation =
    evaluates === undefined ? '' : `builtins.seq (builtins.trace "evaluating" (${EVALUATIONS[evaluates]}))`;
  const more =
    specialisation === undefined
      ? ''
      : ` + "; mkdir $out/specialisation; ln -s \${variant} $out/specialisation/${specialisation}"`;
  return `{
  outputs = _:
    let
      make = name: script: derivation {
        inherit name;
        system = "x86_64-linux";
        builder = "/bin/sh";
        args = [ "-c" "PATH=/usr/bin:/bin; set -eu; \${script}" ];
      };
      library = make "library-${version}" ${nixString(library)};
      system = ${nixString(script)} + "; echo \${library} > $out/library";
      variant = make "nixos-system-h1-${version}" (system + "; echo ${specialisation ?? ''} > $out/variant");
    in
    {
      nixosConfigurations.h1.config.system.build.toplevel =
        ${evaluation} (make "nixos-system-h1-${version}" (system${more}));
    };
}
`;
}

const nixString = (lines: readonly string[]): string => JSON.stringify(lines.join('; ')).replaceAll('${', '\\${');
