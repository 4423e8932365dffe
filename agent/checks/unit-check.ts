/**
 * Which units a switch has made fail: those that fail now and did not before, and those that systemd starts again and
 * again. Pure, apart from reading them.
 */
import type { Shell } from '../shell';

const TOOL_TIMEOUT_MS = 20_000;
/** A service that was restarted this often since the activation loops. */
const LOOPING_RESTARTS = 2;

export interface UnitState {
  name: string;
  active: string;
  sub: string;
  /** Automatic restarts since the unit was started by hand or by a switch. */
  restarts: number;
}

/** Every loaded service, and every unit that failed. Null where systemd does not answer. */
export async function readUnits(shell: Shell): Promise<readonly UnitState[] | null> {
  const properties = '--property=Id,ActiveState,SubState,NRestarts';
  const options = { quiet: true, timeoutMs: TOOL_TIMEOUT_MS };
  const services = await shell.run('systemctl', ['show', '--type=service', properties, '--no-pager', '*'], options);
  const others = await shell.run('systemctl', ['show', '--state=failed', properties, '--no-pager', '*'], options);
  if (!services.ok || !others.ok) return null;
  const units = [...statesOf(services.stdout), ...statesOf(others.stdout)];
  return [...new Map(units.map((unit) => [unit.name, unit])).values()];
}

/** The output of `systemctl show` for several units: blocks of KEY=VALUE with an empty line between them. */
export function statesOf(lines: readonly string[]): UnitState[] {
  const units: UnitState[] = [];
  let values = new Map<string, string>();
  for (const line of [...lines, '']) {
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
    if (line !== '') continue;
    const name = values.get('Id') ?? '';
    const restarts = Number(values.get('NRestarts') ?? '');
    if (name !== '')
      units.push({
        name,
        active: values.get('ActiveState') ?? '',
        sub: values.get('SubState') ?? '',
        restarts: Number.isFinite(restarts) ? restarts : 0,
      });
    values = new Map();
  }
  return units;
}

/** Units as they were before the switch: what failed then counts for nothing. */
export interface UnitsBefore {
  failed: string[];
  /** Services that were looping already. */
  restarting: string[];
  /** Units that were starting, as a backup that takes hours: they are not waited for. */
  starting: string[];
}

export const unitsBefore = (units: readonly UnitState[]): UnitsBefore => ({
  failed: units.filter(({ active }) => active === 'failed').map(({ name }) => name),
  restarting: units.filter(({ sub }) => sub === 'auto-restart').map(({ name }) => name),
  starting: units
    .filter(({ active, sub }) => active === 'activating' && sub !== 'auto-restart')
    .map(({ name }) => name),
});

export interface UnitVerdict {
  failed: readonly string[];
  /** Units that are starting, or waiting to be started again: it is too early to say. */
  unsettled: readonly string[];
}

/** `atEnd`: the units right after the activation, from which restarts are counted; none: it has just ended. */
export function judgeUnits(
  now: readonly UnitState[],
  before: UnitsBefore,
  atEnd: readonly UnitState[],
  ignore: readonly string[],
): UnitVerdict {
  const known = new Set([...before.failed, ...before.restarting]);
  const counted = new Map(atEnd.map(({ name, restarts }) => [name, restarts]));
  const failed: string[] = [];
  const unsettled: string[] = [];
  for (const { name, active, sub, restarts } of now) {
    if (known.has(name) || ignore.some((pattern) => fits(name, pattern))) continue;
    // A switch starts changed services anew, which sets their count back.
    const from = Math.min(counted.get(name) ?? 0, restarts);
    if (active === 'failed' || restarts - from >= LOOPING_RESTARTS) failed.push(name);
    else if (sub === 'auto-restart' || (active === 'activating' && !before.starting.includes(name)))
      unsettled.push(name);
  }
  return { failed, unsettled };
}

/** Whether a name fits a pattern, in which `*` stands for any characters and everything else for itself. */
function fits(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let from = first.length;
  for (const part of rest) {
    const at = name.indexOf(part, from);
    if (at < 0 || at + part.length > name.length - last.length) return false;
    from = at + part.length;
  }
  return true;
}
