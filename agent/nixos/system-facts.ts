/** What runs on a NixOS host, read from the links and from systemd. Everything here needs no root. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentConfig } from '../config';
import type { Shell } from '../shell';

const TOOL_TIMEOUT_MS = 20_000;
/** Failed units that are read at most. */
const MAX_UNITS = 200;

export interface SystemFacts {
  /** Store path of the running system; '' when it can't be read. */
  running: string;
  /** Store path that the system profile points at; '' when it can't be read. */
  profile: string;
  /** Number of the profile's generation; null when it can't be read. */
  generation: number | null;
}

export function readSystem({
  systemLink,
  systemProfile,
}: Pick<AgentConfig, 'systemLink' | 'systemProfile'>): SystemFacts {
  return { running: pathOf(systemLink), profile: pathOf(systemProfile), generation: generationOf(systemProfile) };
}

/**
 * The specialisations of a system by store path, with their names: links in its folder `specialisation`. While one runs,
 * `/run/current-system` is its store path, which does not name the system.
 */
export function specialisationsOf(system: string): ReadonlyMap<string, string> {
  const folder = join(system, 'specialisation');
  let names: string[];
  try {
    names = system === '' ? [] : readdirSync(folder);
  } catch {
    // Most systems have none.
    return new Map();
  }
  return new Map(names.map((name) => [pathOf(join(folder, name)), name] as const).filter(([path]) => path !== ''));
}

/** Whether the running system is this one or one of its specialisations. */
export function runs(running: string, system: string): boolean {
  return system !== '' && (running === system || specialisationsOf(system).has(running));
}

/** Names of the units that are in the state `failed`; null where systemd does not answer. */
export async function readFailedUnits(shell: Shell): Promise<string[] | null> {
  const list = ['list-units', '--state=failed', '--plain', '--no-legend', '--no-pager', '--full'];
  const run = await shell.run('systemctl', list, { quiet: true, timeoutMs: TOOL_TIMEOUT_MS });
  if (!run.ok) return null;
  const names = run.stdout.map((line) => line.trim().split(/\s+/)[0] ?? '').filter((name) => name !== '');
  return names.slice(0, MAX_UNITS);
}

/** The last lines that a unit wrote to the journal; none where the agent's user may not read it. */
export async function readJournal(shell: Shell, unit: string, lines: number): Promise<readonly string[]> {
  const args = ['--unit', unit, '--lines', String(lines), '--output', 'cat', '--no-pager', '--quiet', '--boot'];
  const run = await shell.run('journalctl', args, { quiet: true, timeoutMs: TOOL_TIMEOUT_MS });
  return run.ok ? run.stdout.slice(-lines) : [];
}

/** Changes with every start of the machine; '' where it can't be read. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** The real path behind a link; '' when it can't be read. */
export function pathOf(link: string): string {
  try {
    return realpathSync(link);
  } catch {
    return '';
  }
}

/** The number of a profile's generation; null when it can't be read. */
export function generationOf(profile: string): number | null {
  try {
    const number = /-(\d{1,9})-link$/.exec(readlinkSync(profile))?.[1];
    return number === undefined ? null : Number(number);
  } catch {
    return null;
  }
}
