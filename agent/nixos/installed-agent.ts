/**
 * Whether the agent that its unit starts now is another one than this process, or has other settings: after a switch by
 * hand, after going back, or after a switch of Home Manager. No switch restarts the agent's unit, so it has to notice that
 * itself.
 */
import { readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Capability } from '@/lib/protocol/agent/capabilities';
import type { HostType } from '../config';
import { readStateFile, writeStateFile } from '../state-file';

const UNIT = 'nixfleet-agent.service';
/** `/nix/store/<hash>-<name>`, or in a store of another folder: the package of a path in the store. */
const STORE_PACKAGE = /^(?:\/[^\s"]*)?\/store\/[0-9a-z]{32}-[^/\s"]{1,200}/;
/** Below an agent's package: what it can do, as `nixfleet-agent --capabilities` prints it. Packages before 4.1 have none. */
const CAPABILITIES_FILE = 'share/nixfleet-agent/capabilities.json';
const capabilitiesSchema = z.object({ capabilities: z.array(z.string()) });
const MEMORY_FILE = 'restarted-for.json';
const memorySchema = z.object({ version: z.literal(1), program: z.string() });

/** The file of the agent's unit; null where the service manager itself starts a new agent (launchd). */
export function unitFile(of: {
  isUserService: boolean;
  hostType: HostType;
  /** The link that points at the running system. */
  systemLink: string;
  home: string;
  /** XDG_CONFIG_HOME; '' where it is not set. */
  configHome: string;
}): string | null {
  if (of.isUserService) return join(of.configHome || join(of.home, '.config'), 'systemd/user', UNIT);
  return of.hostType === 'nixos' ? join(of.systemLink, 'etc/systemd/system', UNIT) : null;
}

export interface InstalledAgentOptions {
  /** The file of the agent's unit. */
  unit: string;
  /** Path of the running program. */
  program: string;
  /** What `readUnit` gave when this process started. */
  unitAtStart: string;
  stateDir: string;
}

/** The text of the agent's unit; '' without one. */
export function readUnit(unit: string | null): string {
  if (unit === null) return '';
  try {
    return readFileSync(unit, 'utf8');
  } catch {
    return '';
  }
}

/** The packages of this process and of the agent that the unit starts; null where there is none. */
export function agentPackages({ unit, program }: Pick<InstalledAgentOptions, 'unit' | 'program'>): {
  own: string | null;
  named: string | null;
} {
  return { own: packageOf(realPath(program)), named: packageOf(execStartOf(readUnit(unit))) };
}

/**
 * The package of the agent that the unit starts, where it differs from that of this process and the agent was not
 * restarted for it before, or where the unit differs from the one that started this process; else null. An agent that does
 * not come from the store, as one from a checkout, is never replaced.
 */
export function otherAgentInstalled(options: InstalledAgentOptions): string | null {
  const { unit, unitAtStart, stateDir } = options;
  const { own, named } = agentPackages(options);
  if (own === null || named === null) return null;
  // The process that starts for it has read the new unit, so this can't repeat.
  if (named === own) return readUnit(unit) === unitAtStart ? null : named;
  return readStateFile(join(stateDir, MEMORY_FILE), memorySchema)?.program === named ? null : named;
}

/** Remembers that the agent restarts for this package, so that it does so once. Throws when the disk is full. */
export function restartsFor(stateDir: string, named: string): void {
  writeStateFile(join(stateDir, MEMORY_FILE), { version: 1, program: named });
}

/**
 * Called when the agent starts: where the unit names this process, no restart is awaited any more. Otherwise an agent that
 * was handed over to in vain, because the host went back, would never be started again.
 */
export function forgetRestart({ unit, program, stateDir }: Omit<InstalledAgentOptions, 'unitAtStart'>): void {
  const { own, named } = agentPackages({ unit, program });
  if (own !== null && own === named) rmSync(join(stateDir, MEMORY_FILE), { force: true });
}

/** Whether the agent of a package names a capability. False for a package that does not say what its agent can do. */
export function agentNames(agentPackage: string, capability: Capability): boolean {
  try {
    const text = readFileSync(join(agentPackage, CAPABILITIES_FILE), 'utf8');
    return capabilitiesSchema.parse(JSON.parse(text)).capabilities.includes(capability);
  } catch {
    return false;
  }
}

/** The program of the unit's ExecStart; '' without one. */
const execStartOf = (text: string): string => /^ExecStart=[@:+!-]*"?([^\s"]+)/m.exec(text)?.[1] ?? '';

const packageOf = (path: string): string | null => STORE_PACKAGE.exec(path)?.[0] ?? null;

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
