/** The modules of this project as nix/tests/modules.nix evaluates them, with a substitute for nixpkgs' lib. */
import { execFileSync } from 'node:child_process';
import { z } from 'zod';
import { nix } from './evaluate';

const service = z.looseObject({
  environment: z.record(z.string(), z.string()),
  serviceConfig: z.record(z.string(), z.unknown()),
});
const assertion = z.object({ assertion: z.boolean(), message: z.string() });
const sudoRules = z.object({
  extraRules: z.array(
    z.object({
      users: z.array(z.string()),
      commands: z.array(z.object({ command: z.string(), options: z.array(z.string()) })),
    }),
  ),
});
const script = z.object({ name: z.string(), text: z.string() });
const nixosSchema = z.object({
  /** nixfleet-root as a script, and the path of the agent. */
  environment: z.object({
    systemPackages: z.tuple([script, z.string()]),
    etc: z.object({ 'nixfleet-agent/checks.json': z.object({ text: z.string() }) }),
  }),
  users: z.object({ groups: z.record(z.string(), z.object({})) }),
  assertions: z.array(assertion),
  warnings: z.array(z.string()),
  systemd: z.object({ services: z.object({ 'nixfleet-agent': service }) }),
  security: z.object({ sudo: sudoRules, 'sudo-rs': sudoRules }),
});
const launchdSchema = z.looseObject({
  Label: z.string(),
  EnvironmentVariables: z.record(z.string(), z.string()),
  KeepAlive: z.boolean(),
});
const homeLinuxSchema = z.object({
  warnings: z.array(z.string()),
  systemd: z.object({
    user: z.object({
      services: z.object({
        'nixfleet-agent': z.object({
          Service: z.record(z.string(), z.unknown()),
          Unit: z.record(z.string(), z.unknown()),
        }),
      }),
    }),
  }),
  launchd: z.undefined().optional(),
});
const modulesSchema = z.object({
  nixos: nixosSchema,
  nixosEverything: nixosSchema,
  nixosOff: z.record(z.string(), z.never()),
  nixosFaults: nixosSchema,
  nixosNoReboot: nixosSchema,
  nixosChecks: nixosSchema,
  nixosCheckFaults: nixosSchema,
  nixosHelperOnly: nixosSchema,
  nixosSpecial: nixosSchema,
  keys: z.array(z.string()),
  homeDarwin: z.object({
    launchd: z.object({
      agents: z.object({ 'nixfleet-agent': z.object({ enable: z.boolean(), config: launchdSchema }) }),
    }),
    systemd: z.undefined().optional(),
  }),
  homeLinux: homeLinuxSchema,
  homeSpecial: homeLinuxSchema,
  homeInNixos: homeLinuxSchema,
  homeWithoutLinger: homeLinuxSchema,
  homeOnly: homeLinuxSchema,
  credentials: z.array(z.object({ address: z.string(), found: z.boolean() })),
  secretVariables: z.array(z.string()),
  darwin: z.object({
    launchd: z.object({
      user: z.object({ agents: z.object({ 'nixfleet-agent': z.object({ serviceConfig: launchdSchema }) }) }),
    }),
  }),
  refused: z.record(z.string(), z.string()),
  dashboard: z.object({
    assertions: z.array(assertion),
    warnings: z.array(z.string()),
    environment: z.object({ systemPackages: z.array(script) }),
    networking: z.object({ firewall: z.object({ allowedTCPPorts: z.array(z.number()) }) }),
    systemd: z.object({ services: z.object({ nixfleet: service }) }),
  }),
  dashboardSpecial: z.object({
    warnings: z.array(z.string()),
    environment: z.object({ systemPackages: z.array(script) }),
    systemd: z.object({ services: z.object({ nixfleet: service }) }),
  }),
  dashboardBackups: z.object({
    environment: z.object({ systemPackages: z.array(script) }),
    systemd: z.object({ services: z.object({ nixfleet: service }) }),
  }),
  dashboardFault: z.object({ assertions: z.array(assertion) }),
});

/** What nix/tests/modules.nix evaluates: one entry for each configuration in it. */
export type Modules = z.infer<typeof modulesSchema>;
/** A NixOS with the module of the agent. */
export type NixosSystem = z.infer<typeof nixosSchema>;

/** Evaluates every module once, which takes some seconds. */
export function evaluateModules(): Modules {
  return modulesSchema.parse(JSON.parse(nix(['--eval', '--strict', '--json', 'nix/tests/modules.nix'])));
}

/** The options that the failed assertions name. */
export const failing = (assertions: readonly z.infer<typeof assertion>[]): (string | undefined)[] =>
  assertions.filter((one) => !one.assertion).map((one) => one.message.split(':')[0]);

/** The arguments with which the script runs systemd-run, for the command `restore`. */
export function optionsOf(text: string): string[] {
  const printing = text.replace(/exec \S+\/systemd-run/, 'printf "%s\\n"');
  return execFileSync('sh', ['-c', printing, 'nixfleet', 'restore'], { encoding: 'utf8' }).trimEnd().split('\n');
}
