/** The units that a switch could not start, stop or reload, as switch-to-configuration and systemctl name them. Pure. */

/** Units that are kept, and units that a sentence names. */
const MAX_UNITS = 50;
const MAX_NAMED = 5;

const FAILED_UNITS = /^warning: the following (?:user )?units failed: (.+)$/;
const UNIT = /^[\w@:.\\-]{1,250}\.(?:service|socket|mount|automount|timer|target|path|swap|slice|scope|device)$/;
const JOB = /^Job for (\S{1,256}) (?:failed|canceled)\b/;
/** The first line of `systemctl status`, and its line with the result. */
const STATUS_OF = /^[×●] (\S{1,256}) - /;
const RESULT = /^Active: failed \(Result: ([a-z-]{1,40})\)/;

export interface FailedUnits {
  /** True when the line names units that failed; then it is no other error. */
  add(text: string): boolean;
  names(): string[];
  /** "unit example.service failed (exit-code)", "units a.service (timeout) and b.service failed"; empty when none did. */
  sentence(): string;
}

export function createFailedUnits(): FailedUnits {
  /** By name: the result that systemd gave, or ''. */
  const units = new Map<string, string>();
  let shown = '';

  function put(name: string): void {
    if (UNIT.test(name) && (units.has(name) || units.size < MAX_UNITS)) units.set(name, units.get(name) ?? '');
  }

  return {
    add(text) {
      const listed = FAILED_UNITS.exec(text)?.[1];
      if (listed !== undefined) {
        for (const name of listed.split(/, ?/)) put(name.trim());
        return true;
      }
      const job = JOB.exec(text)?.[1];
      if (job !== undefined && UNIT.test(job)) {
        put(job);
        return true;
      }
      const status = STATUS_OF.exec(text)?.[1];
      if (status !== undefined) shown = status;
      const result = RESULT.exec(text)?.[1];
      if (result !== undefined && units.has(shown)) units.set(shown, result);
      return false;
    },
    names: () => [...units.keys()],
    sentence: () => sayFailedUnits(units),
  };
}

/** The same sentence for units with their results; '' for a result that is not known. */
export function sayFailedUnits(units: ReadonlyMap<string, string>): string {
  const [[only, result] = ['', '']] = units;
  if (units.size === 1) return `unit ${only} failed${result === '' ? '' : ` (${result})`}`;
  const named = [...units].slice(0, MAX_NAMED).map(([name, result]) => (result === '' ? name : `${name} (${result})`));
  const more = units.size - named.length;
  if (more > 0) named.push(`${more} more`);
  const last = named.pop();
  return last === undefined ? '' : `units ${named.join(', ')} and ${last} failed`;
}
