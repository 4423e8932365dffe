/**
 * Records of the fleet as rows, both ways. SQLite keeps what it is given, and a file may have been edited: JSON and
 * names from a closed list pass a schema on the way out.
 */
import { z } from 'zod';
import { commandStateSchema } from '@/lib/fleet/records/command-state';
import type { ChainedEvent } from './event-chain';
import type { commands, events, hosts } from './schema';
import type { CommandRecord } from '@/lib/fleet/records/command-record';
import type { HostRecord, CompartmentReport } from '@/lib/fleet/records/host-record';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import { COMMAND_OUTCOMES } from '@/lib/protocol/command-phases';
import { OPERATION_IDS } from '@/lib/protocol/operation-ids';
import type { EventCategory, EventLevel } from '@/lib/protocol/event-categories';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { MetricsView } from '@/lib/protocol/live/views/host-view';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

export type HostRow = typeof hosts.$inferSelect;
export type CommandRow = typeof commands.$inferSelect;
export type EventRow = typeof events.$inferSelect;

/** Told of a value that can't be read; the sentence names table, row and column. */
export type Complain = (sentence: string) => void;

const reportedWord: z.ZodType<CompartmentReport> = z.object({
  status: z.enum(['ok', 'outdated', 'error', 'working', 'unknown']),
  message: z.string(),
  saidAt: z.string(),
  at: z.number(),
  generation: z.string(),
});
const amount = z.number().nullable();
const metricsView: z.ZodType<MetricsView> = z.object({ cpu: amount, ram: amount, swap: amount, load: amount });
const outputLines = z.array(z.tuple([z.number(), z.enum(['stdout', 'stderr', 'note']), z.string()])).min(1);
const operation = z.enum(OPERATION_IDS);
const outcome = z.enum(COMMAND_OUTCOMES).nullable();
const eventCategory: z.ZodType<EventCategory> = z.enum(['fleet', 'command', 'auth', 'agent', 'system']);
const eventLevel: z.ZodType<EventLevel> = z.enum(['info', 'success', 'warning', 'error']);

const commandArgs = z.record(z.string(), z.unknown());

/** A stored value that does not fit its column. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
}

/** Parses a JSON column. Throws an UnreadableError that names the table, the row and the column. */
export function parseJson<T>(schema: z.ZodType<T>, text: string, table: string, id: string, column: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UnreadableError(`Table ${table}, row ${id}, column ${column} is not JSON: ${messageOf(error)}`);
  }
  return parseValue(schema, value, table, id, column);
}

/** Checks a stored value against a schema. Throws an UnreadableError that names the table, the row and the column. */
export function parseValue<T>(schema: z.ZodType<T>, value: unknown, table: string, id: string, column: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue && issue.path.length > 0 ? ` at ${issue.path.join('.')}` : '';
  throw new UnreadableError(
    `Table ${table}, row ${id}, column ${column} can't be used${where}: ${issue?.message ?? 'it does not fit'}`,
  );
}

/** `importNote` belongs to the adoption of old databases: the fleet neither reads nor writes it. */
export function toHostRow(record: HostRecord): Omit<HostRow, 'importNote'> {
  return {
    ...record,
    lock: toJson(record.lock),
    system: toJson(record.system),
    tests: toJson(record.tests),
    metrics: toJson(record.metrics),
  };
}

/** A JSON column that can't be read becomes null: the agent will say it again. */
export function fromHostRow({ importNote: _importNote, ...row }: HostRow, complain: Complain): HostRecord {
  const read = <T>(schema: z.ZodType<T>, column: 'lock' | 'system' | 'tests' | 'metrics') => {
    const text = row[column];
    return text === null ? null : orElse(() => parseJson(schema, text, 'hosts', row.id, column), null, complain);
  };
  return {
    ...row,
    lock: read(reportedWord, 'lock'),
    system: read(reportedWord, 'system'),
    tests: read(reportedWord, 'tests'),
    metrics: read(metricsView, 'metrics'),
  };
}

export function toCommandRow(record: CommandRecord): Omit<CommandRow, 'importNote'> {
  const args = record.args === null ? null : JSON.stringify(record.args);
  return { ...record, phase: record.state.phase, state: JSON.stringify(record.state), args };
}

/** Throws an UnreadableError when the row can't be a command. */
export function fromCommandRow({ phase: _phase, importNote: _importNote, ...row }: CommandRow): CommandRecord {
  return {
    ...row,
    args: row.args === null ? null : parseJson(commandArgs, row.args, 'commands', row.id, 'args'),
    operation: parseValue(operation, row.operation, 'commands', row.id, 'operation'),
    state: parseJson(commandStateSchema, row.state, 'commands', row.id, 'state'),
    outcome: parseValue(outcome, row.outcome, 'commands', row.id, 'outcome'),
  };
}

/** `[at, stream, text]` of each line: the numbers follow from the first. */
export function toOutputJson(lines: readonly OutputLine[]): string {
  return JSON.stringify(lines.map(({ at, stream, text }) => [at, stream, text]));
}

/** The lines of a batch. One that can't be read is replaced by a note in the place of its last line. */
export function fromOutputRow(
  row: { firstSeq: number; lastSeq: number; lines: string },
  commandId: string,
  complain: Complain,
): OutputLine[] {
  const rowId = `${commandId}/${row.firstSeq}`;
  const read = () => {
    const lines = parseJson(outputLines, row.lines, 'command_output', rowId, 'lines');
    if (lines.length === row.lastSeq - row.firstSeq + 1) return lines;
    throw new UnreadableError(
      `Table command_output, row ${rowId}, column lines holds ${lines.length} lines instead of ${row.firstSeq} to ${row.lastSeq}`,
    );
  };
  const lines = orElse(read, null, complain);
  if (lines) return lines.map(([at, stream, text], index) => ({ seq: row.firstSeq + index, at, stream, text }));
  const text = `Lines ${row.firstSeq} to ${row.lastSeq} can't be read from the database.`;
  return [{ seq: row.lastSeq, at: 0, stream: 'note', text }];
}

export function toChainedEvent(id: number, event: NewEvent): ChainedEvent {
  return {
    id,
    at: event.at,
    category: event.category,
    level: event.level,
    action: wellFormed(event.action),
    actorKind: event.actorKind,
    actor: wellFormed(event.actor),
    userId: event.userId === null ? null : wellFormed(event.userId),
    address: wellFormed(event.address),
    hostId: event.hostId === null ? null : wellFormed(event.hostId),
    hostName: wellFormed(event.hostName),
    commandId: event.commandId === null ? null : wellFormed(event.commandId),
    outcome: wellFormed(event.outcome),
    message: wellFormed(event.message),
    data: JSON.stringify(event.data ?? {}),
  };
}

type ViewColumns = Omit<ChainedEvent, 'actorKind' | 'userId' | 'data'>;

/** A level or category of no known name is shown as a warning of the system. */
export function toEventView(row: ViewColumns, complain: Complain): EventView {
  const { id, at, action, actor, address, hostId, hostName, commandId, outcome, message } = row;
  const read = <T>(schema: z.ZodType<T>, column: 'category' | 'level', otherwise: T) =>
    orElse(() => parseValue(schema, row[column], 'events', String(id), column), otherwise, complain);
  const category = read(eventCategory, 'category', 'system');
  const level = read(eventLevel, 'level', 'warning');
  return { id, at, category, level, action, actor, address, hostId, hostName, commandId, outcome, message };
}

/** Gives a fallback for an unreadable value, and complains. Any other error goes on. */
export function orElse<T, U>(read: () => T, otherwise: U, complain: Complain): T | U {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    complain(error.message);
    return otherwise;
  }
}

function toJson(value: CompartmentReport | MetricsView | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** SQLite stores UTF-8, which has no half surrogates: the hash must cover what will be read back. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
