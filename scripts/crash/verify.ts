/** Compares the file after a kill with what was promised before. The file is read as the next start finds it. */
import type Sqlite from 'better-sqlite3';
import { Database } from '@/lib/store/sqlite/driver';
import { readEvents } from '@/lib/store/sqlite/audit';
import { verifyChain } from '@/lib/store/sqlite/event-chain';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { OnWire, Promises } from './witness';

/** Most faults that are reported. */
const MAX_FAULTS = 5;

interface CommandRow {
  id: string;
  hostId: string;
  operation: string;
  outcome: string | null;
  /** The status that the agent reported, while the command is being verified. */
  result: string | null;
  lines: number;
  agentSeq: number;
}

/** All faults, one sentence each; empty when every promise was kept. */
export function findBrokenPromises(path: string, promises: Promises, onWire: readonly OnWire[]): string[] {
  const client = new Database(path, { readonly: true });
  try {
    return [...fileFaults(client), ...commandFaults(client, promises), ...wireFaults(client, onWire)].slice(
      0,
      MAX_FAULTS,
    );
  } finally {
    client.close();
  }
}

function fileFaults(client: Sqlite.Database): string[] {
  const faults: string[] = [];
  const integrity = client.pragma('integrity_check', { simple: true });
  if (integrity !== 'ok') faults.push(`The file is damaged: ${String(integrity)}`);
  const orphans = client.prepare('select "table", rowid, parent from pragma_foreign_key_check').all();
  if (orphans.length > 0) faults.push(`Rows refer to missing rows: ${JSON.stringify(orphans.slice(0, MAX_FAULTS))}`);
  const chain = verifyChain(readEvents(client));
  if (chain.kind === 'broken') faults.push(`The chain of events is broken: ${chain.reason}`);
  return faults;
}

function commandFaults(client: Sqlite.Database, { accepted, results, output }: Promises): string[] {
  const find = client.prepare<[string], CommandRow>(
    `select id, host_id as hostId, operation, outcome, state ->> '$.result.status' as result, lines, agent_seq as agentSeq
     from commands where id = ?`,
  );
  const stored = client
    .prepare<[string], number>(
      'select coalesce(sum(last_seq - first_seq + 1), 0) from command_output where command_id = ?',
    )
    .pluck();
  const faults: string[] = [];
  for (const [id, hostId] of accepted) {
    const row = find.get(id);
    if (!row) faults.push(`Command ${id} on ${hostId} was accepted but is missing.`);
    else if (row.hostId !== hostId)
      faults.push(`Command ${id} was accepted for ${hostId} but belongs to ${row.hostId}.`);
  }
  for (const id of results) {
    const row = find.get(id);
    if (row?.outcome == null && row?.result == null)
      faults.push(`The result of command ${id} was acknowledged but is missing.`);
  }
  for (const [id, seq] of output) {
    const row = find.get(id);
    if (!row || row.agentSeq < seq) {
      faults.push(`Output of command ${id} was acknowledged up to ${seq}; the file has ${row?.agentSeq ?? 'nothing'}.`);
    } else if ((stored.get(id) ?? 0) !== row.lines) {
      faults.push(`Command ${id} counts ${row.lines} lines, but ${stored.get(id) ?? 0} are stored.`);
    }
  }
  return faults;
}

/** Each command is sent at most once: checked by its id, or by count where it has none (protocol 2). */
function wireFaults(client: Sqlite.Database, onWire: readonly OnWire[]): string[] {
  const faults: string[] = [];
  const seen = new Map<string, number>();
  const known = client.prepare<[string], number>('select count(*) from commands where id = ?').pluck();
  for (const { host, command, id } of onWire) {
    const mayRepeat = Object.values(OPERATIONS).some(
      ({ wire, mayRepeat: may }) => may && wire?.kind === 'command' && wire.command === command,
    );
    if (mayRepeat) continue;
    const key = id ?? `${host} ${command}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
    if (id === null) continue;
    if ((seen.get(key) ?? 0) > 1) faults.push(`Command ${id} (${command} on ${host}) was sent twice.`);
    if (known.get(id) === 0) faults.push(`Command ${id} (${command} on ${host}) was sent but is not in the file.`);
  }
  const count = client
    .prepare<[string, string], number>('select count(*) from commands where host_id = ? and operation = ?')
    .pluck();
  for (const { host, command } of onWire.filter(({ id }) => id === null)) {
    const received = seen.get(`${host} ${command}`) ?? 0;
    const stored = count.get(host, command) ?? 0;
    if (received > stored)
      faults.push(`${host} received ${command} ${received} times, but ${stored} commands are stored.`);
  }
  return [...new Set(faults)];
}
