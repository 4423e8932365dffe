/** The configuration of a NixOS host as a flake of few derivations, for tests with the real Nix. */
import type { TestNixos } from '../../root-helper/testing/test-nixos';

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
  /** The content of a list of signers beside it. */
  signers?: string;
  /** The program that the unit of its agent starts; without one it has no such unit. */
  agent?: string;
  /** A setting of that unit, as `NIXFLEET_INTERVAL=9`. */
  agentSetting?: string;
}

/** The lock of a flake without inputs. */
export const EMPTY_LOCK = '{ "nodes": { "root": {} }, "root": "root", "version": 7 }\n';

const EVALUATIONS = {
  // Three loops in each other, without memory that grows.
  'for hours': `let list = builtins.genList (x: x) 10000; sum = f: builtins.foldl' (a: _: a + f null) 0 list; in sum (_: sum (_: sum (_: 1)))`,
  // A text of a GiB: it grows faster than the kernel can free other pages.
  memory: `builtins.stringLength (builtins.foldl' (text: _: text + text) "x" (builtins.genList (x: x) 30))`,
};

type Places = Pick<TestNixos, 'path'>;

/** The repository's flake.nix, for the host h1. */
export function flakeOf(nixos: Places, source: SystemSource): string {
  return fleetFlakeOf([{ name: 'h1', nixos, source }]);
}

/** The same for several hosts, which share a library: it is built once for each version. */
export function fleetFlakeOf(hosts: readonly { name: string; nixos: Places; source: SystemSource }[]): string {
  const [first] = hosts;
  const systems = hosts.map(
    ({ name, nixos, source }) =>
      `nixosConfigurations.${name}.config.system.build.toplevel =
        ${systemOf(name, nixos, source, first?.nixos ?? nixos)};`,
  );
  return `{
  outputs = _:
    let
      make = name: script: derivation {
        inherit name;
        system = "x86_64-linux";
        builder = "/bin/sh";
        args = [ "-c" "PATH=/usr/bin:/bin; set -eu; \${script}" ];
      };
    in
    {
      ${systems.join('\n      ')}
    };
}
`;
}

/** The system of a host as an expression. `shared`: where the library's build leaves its traces. */
function systemOf(name: string, nixos: Places, source: SystemSource, shared: Places): string {
  const {
    version,
    fails,
    slow,
    evaluates,
    size,
    inhibitors,
    specialisation,
    checks,
    policy,
    signers,
    agent,
    agentSetting,
  } = source;
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
      : [
          'mkdir -p $out/etc/nixfleet-agent',
          `printf %s '${JSON.stringify(policy)}' > $out/etc/nixfleet-agent/policy.json`,
        ]),
    ...(signers === undefined
      ? []
      : ['mkdir -p $out/etc/nixfleet-agent', `echo '${signers}' > $out/etc/nixfleet-agent/signers`]),
    ...(agent === undefined
      ? []
      : [
          'mkdir -p $out/etc/systemd/system',
          `echo 'ExecStart=${agent}' > $out/etc/systemd/system/nixfleet-agent.service`,
          ...(agentSetting === undefined
            ? []
            : [`echo 'Environment=${agentSetting}' >> $out/etc/systemd/system/nixfleet-agent.service`]),
        ]),
    ...(inhibitors === undefined ? [] : [`echo '${JSON.stringify(inhibitors)}' > $out/switch-inhibitors`]),
  ];
  const library = [
    'echo compiling',
    `cat /proc/self/oom_score_adj > ${shared.path('build-oom-score')}`,
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
  return `let
          library = make "library-${version}" ${nixString(library)};
          system = ${nixString(script)} + "; echo \${library} > $out/library";
          variant = make "nixos-system-${name}-${version}" (system + "; echo ${specialisation ?? ''} > $out/variant");
        in
        ${evaluation} (make "nixos-system-${name}-${version}" (system${more}))`;
}

const nixString = (lines: readonly string[]): string => JSON.stringify(lines.join('; ')).replaceAll('${', '\\${');
