/** Maps rows of older tables of commands to ended commands or, if that is not possible, to events. */
import { outputLine, plainName } from '@/lib/text/plain-text';
import { NOBODY } from '@/lib/fleet/events';
import type { EventWithSentence, CommandRow } from '../sqlite/rows';
import { endOf, NO_END, operationOf } from './old-operations';
import type { OldRow } from './old-row';
import type { EventLevel } from '@/lib/protocol/event-categories';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

const MAX_ID = 64;
const MIN_EXIT_CODE = -1_000;
const MAX_EXIT_CODE = 1_000_000;

export interface KnownHost {
  id: string;
  name: string;
}

export interface CommandContext {
  host(oldId: string): KnownHost | null;
  /** A new id for a command of that time. */
  newId(at: number): string;
  hasCommand(id: string): boolean;
  now: number;
}

export interface AdoptedEvent {
  event: EventWithSentence;
  importNote: string | null;
}

export type AdoptedCommand =
  | { kind: 'command'; row: CommandRow; output: OutputLine[] }
  /** The host no longer exists, or the operation is unknown. */
  | { kind: 'event'; event: AdoptedEvent };

type CommandTable = 'command_log' | 'command_logs' | 'commands';

/** The columns of each table; a message is one sentence, output is lines. */
const COLUMNS = {
  command_log: { operation: 'command', started: null, ended: 'completed_at', message: null, output: 'output' },
  command_logs: {
    operation: 'command',
    started: 'started_at',
    ended: 'completed_at',
    message: 'message',
    output: null,
  },
  commands: { operation: 'op', started: 'started_at', ended: 'finished_at', message: 'error', output: null },
} as const satisfies Record<CommandTable, object>;

const LEVELS: Partial<Record<string, EventLevel>> = { succeeded: 'success', failed: 'error', lost: 'warning' };

export function mapCommand(row: OldRow, table: CommandTable, context: CommandContext): AdoptedCommand {
  const columns = COLUMNS[table];
  const oldHost = row.text('host_id', { max: 255 });
  const oldName = row.text(columns.operation, { max: 64 });
  const status = row.text('status', { max: 64 });
  const end = endOf(status);
  if (!end) row.reject('status', 'is not a known result of a command.');
  const { outcome, reason } = end ?? NO_END;
  const started = columns.started === null ? null : row.time(columns.started);
  const ended = row.time(columns.ended);
  const created = row.time('created_at');
  const createdAt = created ?? started ?? ended ?? context.now;
  const endedAt = ended ?? started ?? createdAt;
  const message = columns.message === null ? '' : row.text(columns.message, { lines: true });
  const operation = operationOf(oldName);
  const host = context.host(oldHost);
  if (!operation || !host) {
    row.reject(
      host ? columns.operation : 'host_id',
      host
        ? 'is not a known operation: the row was kept as an event.'
        : 'is not a known host: the row was kept as an event.',
    );
    const event = commandEvent(oldName, oldHost, host, outcome, message || reason, endedAt, LEVELS[outcome] ?? 'info');
    return { kind: 'event', event: { event, importNote: row.wholeNote() } };
  }
  const exitCode = row.integer('exit_code', MIN_EXIT_CODE, MAX_EXIT_CODE);
  const output = columns.output === null ? [] : oldOutput(row, columns.output, endedAt);
  if (host.id !== oldHost) row.keep('host_id');
  if (operation !== oldName) row.keep(columns.operation);
  if (end && end.outcome === 'lost') row.keep('status');
  const id = commandId(row, table, createdAt, context);
  return {
    kind: 'command',
    output,
    row: {
      ...endedCommand({
        id,
        hostId: host.id,
        operation,
        outcome,
        reason: message || reason,
        createdAt,
        endedAt,
        exitCode,
      }),
      startedAt: started,
      lines: output.length,
      outputSize: output.reduce((size, { text }) => size + text.length + 1, 0),
      pipelineId: row.text('pipeline_id', { max: MAX_ID }) || null,
      importNote: row.note(),
    },
  };
}

/** A command that waited for a host or ran on it when the old dashboard stopped. It is not sent again. */
export function mapPending(
  operationName: string,
  at: number,
  host: KnownHost,
  context: Pick<CommandContext, 'newId'>,
): AdoptedCommand {
  const operation = operationOf(operationName);
  const reason =
    'It was waiting or running when the old dashboard was stopped. It was not sent again: start it again if you still need it.';
  const importNote = JSON.stringify({ table: 'hosts', values: { pending_command: operationName } });
  if (!operation) {
    return {
      kind: 'event',
      event: { event: commandEvent(operationName, host.id, host, 'lost', reason, at, 'warning'), importNote },
    };
  }
  const id = context.newId(at);
  const row = endedCommand({
    id,
    hostId: host.id,
    operation,
    outcome: 'lost',
    reason,
    createdAt: at,
    endedAt: at,
    exitCode: null,
  });
  return { kind: 'command', output: [], row: { ...row, importNote } };
}

type Ended = Pick<CommandRow, 'id' | 'hostId' | 'operation' | 'reason' | 'createdAt' | 'exitCode'> & {
  outcome: string;
  endedAt: number;
};

function endedCommand(command: Ended): CommandRow {
  const { id, endedAt, outcome, exitCode, reason } = command;
  return {
    ...command,
    phase: 'ended',
    state: JSON.stringify({ phase: 'ended', at: endedAt, outcome, exitCode, reason }),
    requestId: `adopted-${id}`,
    targetId: null,
    forced: false,
    // Older dashboards did not record the operator.
    userId: '',
    userName: 'not recorded',
    address: '',
    startedAt: null,
    lines: 0,
    agentSeq: 0,
    outputSize: 0,
    outputTruncated: false,
    args: null,
    pipelineId: null,
    importNote: null,
  };
}

/** Keeps ids of the Go dashboard. The numbers of version 1 stay in the note. */
function commandId(row: OldRow, table: CommandTable, at: number, context: CommandContext): string {
  const value = row.take('id');
  row.keep('id');
  if (table === 'commands' && typeof value === 'string' && value !== '' && value === plainName(value, MAX_ID)) {
    if (!context.hasCommand(value)) return value;
    row.reject('id', 'is also the id of another row.');
  }
  return context.newId(at);
}

function oldOutput(row: OldRow, column: string, at: number): OutputLine[] {
  const value = row.take(column);
  if (value === null || value === '') return [];
  if (value instanceof Buffer) {
    row.reject(column, 'holds bytes instead of text.');
    return [];
  }
  const text = String(value);
  const lines = text.replace(/\n$/, '').split('\n').map(outputLine);
  const stored = lines.join('\n');
  if (stored !== text && `${stored}\n` !== text)
    row.reject(column, 'holds control characters or a line that is too long.');
  return lines.map((line, index) => ({ seq: index + 1, at, stream: 'stdout', text: line }));
}

function commandEvent(
  operation: string,
  oldHost: string,
  host: KnownHost | null,
  outcome: string,
  reason: string,
  at: number,
  level: EventLevel,
): EventWithSentence {
  const hostName = host?.name ?? oldHost;
  const where = host ? hostName : `${hostName || 'a host without a name'} (not a known host)`;
  return {
    ...NOBODY,
    at,
    category: 'command',
    level,
    action: 'command.adopted',
    actorKind: 'dashboard',
    actor: 'the old dashboard',
    hostId: host?.id ?? null,
    hostName,
    outcome,
    message: `${operation || 'A command without a name'} on ${where}: ${outcome}. ${reason}`,
  };
}
