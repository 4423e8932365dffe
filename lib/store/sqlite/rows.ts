/**
 * Records of the fleet as rows, both ways. SQLite stores any value, and somebody may have edited the file: JSON and names
 * from a closed list are checked by a schema when they are read.
 */
import { z } from 'zod';
import { commandStateSchema } from '@/lib/fleet/records/command-state';
import { ENCODING_WITH_CHAIN, ENCODING_WITH_MESSAGE, ENCODING_WITH_PARAMS, type ChainedEvent } from './event-chain';
import type { commands, events, hostGenerations, hosts } from './schema';
import { wellFormed } from './well-formed';
import type { CommandRecord } from '@/lib/fleet/records/command-record';
import type { SystemGeneration, SystemGenerations } from '@/lib/fleet/records/generations-record';
import { policyViewSchema, type PolicyView } from '@/lib/protocol/live/views/policy-view';
import type { HostRecord, CompartmentReport } from '@/lib/fleet/records/host-record';
import type { EventChain } from '@/lib/fleet/events/event-kind';
import { chainOf, classOf, sentenceOf, type EventClass } from '@/lib/fleet/events/event-table';
import type { EventHead, NewEvent } from '@/lib/fleet/records/event-record';
import { COMMAND_OUTCOMES } from '@/lib/protocol/command-phases';
import { CONFIRM_SETTINGS } from '@/lib/protocol/confirm-setting';
import { OPERATION_IDS } from '@/lib/protocol/operation-ids';
import type { EventCategory, EventLevel } from '@/lib/protocol/event-categories';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { MetricsView } from '@/lib/protocol/live/views/host-view';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

export type HostRow = typeof hosts.$inferSelect;
/** What the fleet writes of a host. The other columns are written by an adoption, or no longer used. */
export type WrittenHostRow = Omit<HostRow, (typeof HOST_FIELDS_OF_ADOPTION)[number] | 'importNote'>;

/** Fields of `hosts` that the fleet does not write: a new row gets their defaults, and an update leaves them alone. */
export const HOST_FIELDS_OF_ADOPTION = [
  'criticality',
  'comment',
  'osName',
  'nixpkgsVersion',
  'repoDir',
  'sourceCommit',
] as const satisfies readonly (keyof HostRow)[];
/** Longest note that is shown, in UTF-16 units; the comment stays whole in its column. */
const MAX_NOTE_LENGTH = 1_000;
export type GenerationsRow = typeof hostGenerations.$inferSelect;
export type CommandRow = typeof commands.$inferSelect;
export type EventRow = typeof events.$inferSelect;

/** Called for a value that can't be read; the sentence names table, row and column. */
export type OnUnreadable = (sentence: string) => void;

const reportedWord: z.ZodType<CompartmentReport> = z.object({
  status: z.enum(['ok', 'outdated', 'error', 'working', 'unknown']),
  message: z.string(),
  saidAt: z.string(),
  at: z.number(),
  generation: z.string(),
});
const confirmSetting = z.enum(CONFIRM_SETTINGS);
const amount = z.number().nullable();
const metricsView: z.ZodType<MetricsView> = z.object({ cpu: amount, ram: amount, swap: amount, load: amount });
const systemGenerations: z.ZodType<SystemGeneration[]> = z.array(
  z.object({
    number: z.number(),
    createdAt: z.number(),
    nixosVersion: z.string(),
    kernelVersion: z.string(),
    revision: z.string(),
    runs: z.boolean(),
    nextBoot: z.boolean(),
    booted: z.boolean(),
  }),
);
const outputLines = z.array(z.tuple([z.number(), z.enum(['stdout', 'stderr', 'note']), z.string()])).min(1);
const operation = z.enum(OPERATION_IDS);
const outcome = z.enum(COMMAND_OUTCOMES).nullable();
const eventCategory: z.ZodType<EventCategory> = z.enum(['fleet', 'command', 'auth', 'agent', 'system']);
const eventLevel: z.ZodType<EventLevel> = z.enum(['info', 'success', 'warning', 'error']);

const commandArgs = z.record(z.string(), z.unknown());
const eventData = z.record(z.string(), z.unknown());

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
    `Table ${table}, row ${id}, column ${column} is invalid${where}: ${issue?.message ?? 'it does not fit'}`,
  );
}

/** The note is made from what an adoption stored: the fleet never writes it. What an agent says of itself is not stored. */
export function toHostRow({
  note: _note,
  capabilities: _capabilities,
  hostsDashboard: _hostsDashboard,
  ...record
}: HostRecord): WrittenHostRow {
  return {
    ...record,
    lock: toJson(record.lock),
    system: toJson(record.system),
    tests: toJson(record.tests),
    policy: toJson(record.policy),
    metrics: toJson(record.metrics),
  };
}

/** A JSON column that can't be read becomes null: the agent will report it again. */
export function fromHostRow(stored: HostRow, onUnreadable: OnUnreadable): HostRecord {
  const { importNote: _importNote, comment, criticality, ...others } = stored;
  const { osName: _osName, nixpkgsVersion: _nixpkgsVersion, repoDir: _repoDir, sourceCommit: _commit, ...row } = others;
  const read = <T>(schema: z.ZodType<T>, column: 'lock' | 'system' | 'tests' | 'policy' | 'metrics') => {
    const text = row[column];
    return text === null ? null : orElse(() => parseJson(schema, text, 'hosts', row.id, column), null, onUnreadable);
  };
  return {
    ...row,
    confirmSwitches: orElse(
      () => parseValue(confirmSetting, row.confirmSwitches, 'hosts', row.id, 'confirm_switches'),
      'default',
      onUnreadable,
    ),
    note: noteOf(comment, criticality),
    capabilities: null,
    hostsDashboard: false,
    lock: read(reportedWord, 'lock'),
    system: read(reportedWord, 'system'),
    tests: read(reportedWord, 'tests'),
    policy: read(policyViewSchema, 'policy'),
    metrics: read(metricsView, 'metrics'),
  };
}

/** What an older dashboard stored of a host and this one has no field for: `low` was its default and says nothing. */
function noteOf(comment: string, criticality: string): string {
  const text = comment.trim();
  const shown = text.length > MAX_NOTE_LENGTH ? `${text.slice(0, MAX_NOTE_LENGTH)}…` : text;
  return [shown, criticality === 'low' ? '' : `Criticality: ${criticality}`].filter((line) => line !== '').join('\n');
}

export function toGenerationsRow(hostId: string, { at, total, generations }: SystemGenerations): GenerationsRow {
  return { hostId, at, total, generations: JSON.stringify(generations) };
}

/** Throws an UnreadableError when the row can't be a list of generations. */
export function fromGenerationsRow({ hostId, at, total, generations }: GenerationsRow): SystemGenerations {
  return {
    at,
    total,
    generations: parseJson(systemGenerations, generations, 'host_generations', hostId, 'generations'),
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

/** `[at, stream, text]` of each line: the line numbers follow from the first. */
export function toOutputJson(lines: readonly OutputLine[]): string {
  return JSON.stringify(lines.map(({ at, stream, text }) => [at, stream, text]));
}

/** The lines of a batch. An unreadable batch becomes a note in the place of its last line. */
export function fromOutputRow(
  row: { firstSeq: number; lastSeq: number; lines: string },
  commandId: string,
  onUnreadable: OnUnreadable,
): OutputLine[] {
  const rowId = `${commandId}/${row.firstSeq}`;
  const read = () => {
    const lines = parseJson(outputLines, row.lines, 'command_output', rowId, 'lines');
    if (lines.length === row.lastSeq - row.firstSeq + 1) return lines;
    throw new UnreadableError(
      `Table command_output, row ${rowId}, column lines holds ${lines.length} lines instead of ${row.firstSeq} to ${row.lastSeq}`,
    );
  };
  const lines = orElse(read, null, onUnreadable);
  if (lines) return lines.map(([at, stream, text], index) => ({ seq: row.firstSeq + index, at, stream, text }));
  const text = `Lines ${row.firstSeq} to ${row.lastSeq} can't be read from the database.`;
  return [{ seq: row.lastSeq, at: 0, stream: 'note', text }];
}

/** An event as a row of encoding 2 or 3: its code and its parameters. `chain`: the one that it is stored in. */
export function toChainedEvent(id: number, event: NewEvent, chain: EventChain = chainOf(event)): ChainedEvent {
  return {
    ...headColumns(id, event),
    ...classOf(event),
    encoding: chain === 'main' ? ENCODING_WITH_PARAMS : ENCODING_WITH_CHAIN,
    chain,
    action: event.action,
    message: '',
    data: JSON.stringify(event.params),
  };
}

/** An event with a sentence, as it was recorded before 4.1.0, or by another dashboard. */
export interface EventWithSentence extends EventHead, EventClass {
  action: string;
  message: string;
  /** Further facts, JSON-serialisable. */
  data?: Record<string, unknown>;
}

/** An event as a row of encoding 1. */
export function toRowWithSentence(id: number, event: EventWithSentence): ChainedEvent {
  return {
    ...headColumns(id, event),
    encoding: ENCODING_WITH_MESSAGE,
    chain: 'main',
    category: event.category,
    level: event.level,
    action: wellFormed(event.action),
    outcome: wellFormed(event.outcome),
    message: wellFormed(event.message),
    data: JSON.stringify(event.data ?? {}),
  };
}

/** A new event as a row of encoding 1, for a database from before 4.1.0. */
export function toOldRow(id: number, event: NewEvent): ChainedEvent {
  return toRowWithSentence(id, { ...event, ...classOf(event), message: sentenceOf(event), data: event.params });
}

function headColumns(id: number, event: EventHead) {
  return {
    id,
    at: event.at,
    actorKind: event.actorKind,
    actor: wellFormed(event.actor),
    userId: event.userId === null ? null : wellFormed(event.userId),
    address: wellFormed(event.address),
    hostId: event.hostId === null ? null : wellFormed(event.hostId),
    hostName: wellFormed(event.hostName),
    commandId: event.commandId === null ? null : wellFormed(event.commandId),
  };
}

type ViewColumns = Omit<ChainedEvent, 'actorKind' | 'userId' | 'chain'>;

/** An event of unknown level or category is shown as a warning of the system, one with unreadable data without it. */
export function toEventView(row: ViewColumns, onUnreadable: OnUnreadable): EventView {
  const { id, at, action, actor, address, hostId, hostName, commandId, outcome } = row;
  const read = <T>(schema: z.ZodType<T>, column: 'category' | 'level', otherwise: T) =>
    orElse(() => parseValue(schema, row[column], 'events', String(id), column), otherwise, onUnreadable);
  const category = read(eventCategory, 'category', 'system');
  const level = read(eventLevel, 'level', 'warning');
  const shown = { id, at, category, level, action, actor, address, hostId, hostName, commandId, outcome };
  if (row.encoding === ENCODING_WITH_MESSAGE) return { ...shown, params: {}, message: row.message };
  const params = orElse(() => parseJson(eventData, row.data, 'events', String(id), 'data'), {}, onUnreadable);
  return { ...shown, params };
}

/** Returns a fallback for an unreadable value and reports it. Other errors are thrown. */
export function orElse<T, U>(read: () => T, otherwise: U, onUnreadable: OnUnreadable): T | U {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    onUnreadable(error.message);
    return otherwise;
  }
}

function toJson(value: CompartmentReport | MetricsView | PolicyView | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
