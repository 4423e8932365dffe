/**
 * Numbered output and results of commands, kept until the dashboard acknowledges them and sent again after a reconnect
 * (docs/protocol.md, "What protocol 3 adds"). A protocol-2 dashboard gets the same as plain frames, once.
 */
import type { CommandMemory, CommandResult, KnownCommand } from './command-memory';
import type { OutboxFrame, OutputLine, OutputStream } from './frames';

/** Bound of the unacknowledged output, in UTF-16 units plus an allowance for each line. */
export const MAX_OUTBOX_BYTES = 64 * 1024 * 1024;
const LINE_OVERHEAD_BYTES = 64;
/** A frame may take 1 MiB; a line of 64 Ki units takes at most 384 KiB once it is escaped. */
const MAX_BATCH_BYTES = 256 * 1024;

interface KeptLine extends OutputLine {
  /** For the line that stands for dropped ones: the number of the first of them. */
  missingFrom?: number;
}

/** What is kept of one command. `id` is null where the dashboard gave none. */
interface Entry {
  id: string | null;
  command: string;
  lines: KeptLine[];
  /** Index of the next line to send on this connection. */
  cursor: number;
  /** Number of the last line that was sent on this connection. */
  sentSeq: number;
  /** Number of the command's last line. */
  lastSeq: number;
  result: CommandResult | null;
  resultSent: boolean;
  /** Acknowledged, or sent to a dashboard that does not acknowledge. */
  resultSettled: boolean;
  /** Resolvers of `whenSettled`. */
  waiting: (() => void)[];
}

/** The connection as the outbox sees it. */
export interface OutboxLink {
  /** True when frames may be sent and the socket is not congested. */
  ready: () => boolean;
  /** Whether `registered` confirmed protocol 3. */
  withIds: () => boolean;
  /** Whether the dashboard named this addition in `registered`. */
  accepts: (name: string) => boolean;
  send: (frame: OutboxFrame) => void;
}

/** `lost`: an earlier process began the command and ended without a result. */
export type CommandState = 'new' | 'running' | 'refused' | 'finished' | 'lost';

export type OutboxEntry = Pick<Entry, 'id' | 'command' | 'lastSeq'>;
export type Outbox = ReturnType<typeof createOutbox>;

export interface OutboxOptions {
  link: OutboxLink;
  memory: CommandMemory;
  /** Called after each result that was sent. */
  onResultSent: () => void;
  /** Lines of one `output_batch`. */
  maxBatchLines: number;
  /** How long a line waits for more, so that a burst makes one frame. 0: each call of `addLines` sends at once. */
  batchDelayMs?: number;
  maxBytes?: number;
}

export function createOutbox(options: OutboxOptions) {
  const { link, memory, maxBatchLines, batchDelayMs = 0, maxBytes = MAX_OUTBOX_BYTES } = options;
  let entries: Entry[] = memory.unacknowledged().map((command) => restored(command));
  let bytes = 0;
  let batchTimer: NodeJS.Timeout | null = null;

  function stateOf(id: string): CommandState {
    const known = memory.find(id);
    if (known === undefined) return 'new';
    if (known.refused) return 'refused';
    if (known.result !== null) return 'finished';
    return entries.some((entry) => entry.id === id) ? 'running' : 'lost';
  }

  /** Starts a command. With an id, that is saved before this returns, so that no restart runs it twice. */
  function begin(id: string | null, command: string): OutboxEntry {
    const entry = createEntry(id, command);
    entries.push(entry);
    if (id !== null && memory.find(id) === undefined) {
      if (!memory.add({ id, command, refused: false, acknowledged: false, result: null }))
        addLines(entry, 'stderr', ['[the agent could not save this command: after a crash it may not recognise it]']);
    }
    return entry;
  }

  /**
   * Goes on with a command that an earlier process began. Its lines are numbered from the one after `lastSeq`: what the
   * dashboard has of them already, it drops.
   */
  function resume(id: string, command: string, lastSeq: number): OutboxEntry {
    const entry = createEntry(id, command);
    entry.lastSeq = lastSeq;
    entries.push(entry);
    return entry;
  }

  function refuse(id: string, command: string): void {
    memory.add({ id, command, refused: true, acknowledged: true, result: null });
  }

  function addLines(to: OutboxEntry, stream: OutputStream, lines: readonly string[]): void {
    const entry = entries.find((other) => other === to);
    if (entry === undefined || entry.result !== null) return;
    for (const line of lines) {
      entry.lastSeq++;
      entry.lines.push({ seq: entry.lastSeq, stream, line });
      bytes += line.length + LINE_OVERHEAD_BYTES;
      if (bytes > maxBytes) dropOldest();
    }
    if (batchDelayMs === 0) {
      pump();
      return;
    }
    batchTimer ??= setTimeout(() => {
      batchTimer = null;
      pump();
    }, batchDelayMs);
  }

  /** Ends a command. Its result is saved before it is sent. */
  function finish(of: OutboxEntry, result: Omit<CommandResult, 'lastSeq'>): void {
    const entry = entries.find((other) => other === of);
    if (entry === undefined || entry.result !== null) return;
    entry.result = { ...result, lastSeq: entry.lastSeq };
    memory.update(entry.id, { result: entry.result, acknowledged: false });
    pump();
  }

  /** Ends a command without a result; its lines are still sent. */
  function close(of: OutboxEntry): void {
    const entry = entries.find((other) => other === of);
    if (entry === undefined) return;
    entry.resultSent = true;
    entry.resultSettled = true;
    pump();
  }

  /** Sends the result of a finished command once more. */
  function resendResult(id: string): void {
    const entry = entries.find((other) => other.id === id);
    const known = memory.find(id);
    if (entry !== undefined) entry.resultSent = false;
    else if (known?.result != null) entries.push(restored(known));
    pump();
  }

  /** A new connection is registered: everything that was not acknowledged is sent again, in order. */
  function resendAll(): void {
    for (const entry of entries) {
      entry.cursor = 0;
      entry.sentSeq = 0;
      entry.resultSent = entry.resultSettled;
    }
    pump();
  }

  function acknowledge(id: string, outputSeq: number | undefined, result: boolean): void {
    const entry = entries.find((other) => other.id === id);
    if (entry === undefined) return;
    if (outputSeq !== undefined)
      dropLines(
        entry,
        entry.lines.findIndex((line) => line.seq > outputSeq),
      );
    if (result && entry.result !== null) settle(entry);
    tidy();
  }

  /** Sends what may be sent now. The connection calls it again when the socket has drained. */
  function pump(): void {
    for (const entry of [...entries]) {
      while (link.ready() && entry.cursor < entry.lines.length) sendLines(entry);
      if (!link.ready()) return;
      if (entry.result !== null && !entry.resultSent) sendResult(entry, entry.result);
    }
    tidy();
  }

  function sendLines(entry: Entry): void {
    const batch: OutputLine[] = [];
    let size = 0;
    while (entry.cursor < entry.lines.length && batch.length < maxBatchLines) {
      const next = entry.lines[entry.cursor];
      if (next === undefined) break;
      const line =
        next.missingFrom === undefined
          ? next.line
          : missingText(next.seq - Math.max(next.missingFrom - 1, entry.sentSeq));
      size += JSON.stringify(line).length * 2;
      if (batch.length > 0 && size > MAX_BATCH_BYTES) break;
      batch.push({ seq: next.seq, stream: next.stream, line });
      entry.sentSeq = next.seq;
      entry.cursor++;
    }
    if (entry.id !== null && link.withIds()) {
      link.send({ type: 'output_batch', payload: { command_id: entry.id, lines: batch } });
      return;
    }
    for (const { line, stream } of batch) link.send({ type: 'output', payload: { line, stream } });
    dropLines(entry, entry.cursor);
  }

  function sendResult(entry: Entry, result: CommandResult): void {
    const id = link.withIds() ? entry.id : null;
    entry.resultSent = true;
    link.send({
      type: 'status',
      payload: {
        status: result.status,
        command: entry.command,
        exit_code: result.exitCode,
        ...(result.message === '' ? {} : { message: result.message }),
        ...(result.generation === '' ? {} : { generation: result.generation }),
        ...(id === null ? {} : { command_id: id, last_seq: result.lastSeq, restarting: result.restarting }),
        ...(id !== null && result.mayContinue === true ? { may_continue: true } : {}),
        ...(id !== null && result.rolledBack !== undefined ? { rolled_back: result.rolledBack } : {}),
        ...(id !== null && result.refusal !== undefined && link.accepts('refused') ? { refused: result.refusal } : {}),
      },
    });
    // Without ids the dashboard does not acknowledge.
    if (id === null) settle(entry);
    options.onResultSent();
  }

  function settle(entry: Entry): void {
    if (entry.resultSettled) return;
    entry.resultSettled = true;
    memory.update(entry.id, { acknowledged: true });
    for (const resolve of entry.waiting.splice(0)) resolve();
  }

  /** Drops the first `count` lines of a command; -1: all of them. */
  function dropLines(entry: Entry, count: number): void {
    const dropped = entry.lines.splice(0, count === -1 ? entry.lines.length : count);
    for (const line of dropped) bytes -= line.line.length + LINE_OVERHEAD_BYTES;
    entry.cursor = Math.max(0, entry.cursor - dropped.length);
  }

  /** Replaces the oldest lines by one that stands for them, until an eighth of the space is free. */
  function dropOldest(): void {
    const target = maxBytes - Math.ceil(maxBytes / 8);
    for (const entry of entries) {
      let count = 0;
      while (bytes > target && count < entry.lines.length) {
        bytes -= (entry.lines[count]?.line.length ?? 0) + LINE_OVERHEAD_BYTES;
        count++;
      }
      const first = entry.lines[0];
      const last = entry.lines[count - 1];
      if (first === undefined || last === undefined) continue;
      const marker: KeptLine = {
        seq: last.seq,
        stream: 'stderr',
        line: '',
        missingFrom: first.missingFrom ?? first.seq,
      };
      entry.lines.splice(0, count, marker);
      bytes += LINE_OVERHEAD_BYTES;
      entry.cursor = Math.max(0, entry.cursor - count + (entry.cursor >= count ? 1 : 0));
      if (bytes <= target) return;
    }
  }

  function tidy(): void {
    if (entries.some(isDone)) entries = entries.filter((entry) => !isDone(entry));
    // A dashboard that never acknowledges must not make this grow without bound.
    for (const entry of entries.splice(0, Math.max(0, entries.length - memory.maxCommands))) {
      dropLines(entry, -1);
      for (const resolve of entry.waiting.splice(0)) resolve();
    }
  }

  return {
    stateOf,
    begin,
    resume,
    refuse,
    addLines,
    finish,
    close,
    resendResult,
    resendAll,
    acknowledge,
    pump,
    /** Ids of results that are not acknowledged. */
    finished: (): string[] =>
      entries.flatMap((entry) =>
        entry.result !== null && !entry.resultSettled && entry.id !== null ? [entry.id] : [],
      ),
    /** Resolves when the command's result is acknowledged, or sent to a dashboard that does not acknowledge. */
    whenSettled: (of: OutboxEntry): Promise<void> =>
      new Promise((resolve) => {
        const entry = entries.find((other) => other === of);
        if (entry === undefined || entry.resultSettled) resolve();
        else entry.waiting.push(resolve);
      }),
    /** Size of the kept output, measured as `MAX_OUTBOX_BYTES` is. */
    size: () => bytes,
  };
}

function createEntry(id: string | null, command: string): Entry {
  return {
    id,
    command,
    lines: [],
    cursor: 0,
    sentSeq: 0,
    lastSeq: 0,
    result: null,
    resultSent: false,
    resultSettled: false,
    waiting: [],
  };
}

/** An entry for a result of an earlier process. The restart that it announced is over: this process runs. */
function restored(command: KnownCommand): Entry {
  const entry = createEntry(command.id, command.command);
  entry.result = command.result && { ...command.result, restarting: false };
  entry.lastSeq = command.result?.lastSeq ?? 0;
  return entry;
}

function isDone(entry: Entry): boolean {
  return entry.resultSettled && entry.resultSent && entry.lines.length === 0;
}

function missingText(count: number): string {
  return `[${count} ${count === 1 ? 'line is' : 'lines are'} missing here: the dashboard did not acknowledge them in time, and the agent keeps at most 64 MiB]`;
}
