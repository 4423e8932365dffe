/**
 * What the agent owes the dashboard: numbered output and results, kept until they are acknowledged and sent again
 * after a reconnect (docs/protocol.md, "What protocol 3 adds"). To a protocol-2 dashboard the same goes out as plain
 * frames, once.
 */
import { createCommandMemory, MAX_REMEMBERED, type Remembered, type Result } from './command-memory';
import type { Log } from './log';
import type { AgentFrameInput } from '@/lib/protocol/agent/to-dashboard';
import type { OutputStream } from '@/lib/protocol/output-stream';
import { MAX_BATCH_LINES } from '@/lib/protocol/agent/frame-limits';

/** Unacknowledged output that is kept, in UTF-16 units plus an allowance for each line. */
export const MAX_OUTBOX_BYTES = 64 * 1024 * 1024;
const LINE_OVERHEAD_BYTES = 64;
const BATCH_DELAY_MS = 20;
/** A frame may take 1 MiB; a line of 64 Ki units takes at most 384 KiB once it is escaped. */
const MAX_BATCH_BYTES = 256 * 1024;

interface Line {
  seq: number;
  stream: OutputStream;
  line: string;
  /** For the line that stands for dropped ones: the number of the first of them. */
  missingFrom?: number;
}

/** One command's debt. `id` is null where the dashboard gave none. */
interface Entry {
  id: string | null;
  command: string;
  lines: Line[];
  /** Index of the next line to send on this connection. */
  cursor: number;
  /** Number of the last line that was sent on this connection, and of the last one there is. */
  sentSeq: number;
  lastSeq: number;
  result: Result | null;
  resultSent: boolean;
  resultSettled: boolean;
  waiting: (() => void)[];
}

/** The wire as the outbox sees it. */
export interface OutboxLink {
  /** True when frames may be sent and the socket is not congested. */
  ready: () => boolean;
  /** Whether `registered` said protocol 3. */
  withIds: () => boolean;
  send: (frame: AgentFrameInput) => void;
}

/** What is known of an id that arrives. */
export type Seen =
  { kind: 'new' } | { kind: 'running' } | { kind: 'refused' } | { kind: 'finished' } | { kind: 'lost' };

export type OutboxEntry = Pick<Entry, 'id' | 'command' | 'lastSeq'>;
export type Outbox = ReturnType<typeof createOutbox>;

export interface OutboxOptions {
  stateDir: string;
  link: OutboxLink;
  log: Log;
  /** A result went out. */
  onResultSent: () => void;
  maxBytes?: number;
}

export function createOutbox(options: OutboxOptions) {
  const { link, maxBytes = MAX_OUTBOX_BYTES } = options;
  const memory = createCommandMemory(options);
  let entries: Entry[] = memory.untold().map((command) => restored(command));
  let bytes = 0;
  let soon: NodeJS.Timeout | null = null;

  /** Says what is known of this id. `lost`: it was begun by an earlier process, which ended without a result. */
  function seen(id: string): Seen {
    const known = memory.find(id);
    if (known === undefined) return { kind: 'new' };
    if (known.refused) return { kind: 'refused' };
    if (known.result !== null) return { kind: 'finished' };
    return { kind: entries.some((entry) => entry.id === id) ? 'running' : 'lost' };
  }

  /** Takes a command up. With an id, that is on disk before this returns, so that no restart can run it twice. */
  function begin(id: string | null, command: string): OutboxEntry {
    const entry = createEntry(id, command);
    entries.push(entry);
    if (id !== null && memory.find(id) === undefined) {
      if (!memory.add({ id, command, refused: false, acknowledged: false, result: null }))
        addLine(entry, '[the agent could not note this command down: after a crash it might not know it]', 'stderr');
    }
    return entry;
  }

  function refuse(id: string, command: string): void {
    memory.add({ id, command, refused: true, acknowledged: true, result: null });
  }

  function addLine(to: OutboxEntry, line: string, stream: OutputStream): void {
    const entry = entries.find((other) => other === to);
    if (entry === undefined || entry.result !== null) return;
    entry.lastSeq++;
    entry.lines.push({ seq: entry.lastSeq, stream, line });
    bytes += line.length + LINE_OVERHEAD_BYTES;
    if (bytes > maxBytes) dropOldest();
    // A short wait makes one frame of the lines of a burst.
    soon ??= setTimeout(() => {
      soon = null;
      pump();
    }, BATCH_DELAY_MS);
  }

  /** Ends a command. Its result is on disk before it is sent. */
  function finish(of: OutboxEntry, result: Omit<Result, 'lastSeq'>): void {
    const entry = entries.find((other) => other === of);
    if (entry === undefined || entry.result !== null) return;
    entry.result = { ...result, lastSeq: entry.lastSeq };
    memory.update(entry.id, { result: entry.result, acknowledged: false });
    pump();
  }

  /** Ends a command that gives no result on the wire; its lines still go out. */
  function close(of: OutboxEntry): void {
    const entry = entries.find((other) => other === of);
    if (entry === undefined) return;
    entry.resultSent = true;
    entry.resultSettled = true;
    pump();
  }

  /** Sends the result of a finished command once more. */
  function repeat(id: string): void {
    const entry = entries.find((other) => other.id === id);
    const known = memory.find(id);
    if (entry !== undefined) entry.resultSent = false;
    else if (known?.result != null) entries.push(restored(known));
    pump();
  }

  /** A new connection is registered: everything that was not acknowledged goes out again. */
  function restart(): void {
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
      forgetLines(
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
    const batch: { seq: number; stream: OutputStream; line: string }[] = [];
    let size = 0;
    while (entry.cursor < entry.lines.length && batch.length < MAX_BATCH_LINES) {
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
    forgetLines(entry, entry.cursor);
  }

  function sendResult(entry: Entry, result: Result): void {
    const withIds = entry.id !== null && link.withIds();
    entry.resultSent = true;
    link.send({
      type: 'status',
      payload: {
        status: result.status,
        command: entry.command,
        exit_code: result.exitCode,
        ...(result.message === '' ? {} : { message: result.message }),
        ...(result.generation === '' ? {} : { generation: result.generation }),
        ...(withIds ? { command_id: entry.id, last_seq: result.lastSeq, restarting: result.restarting } : {}),
      },
    });
    // Without ids nobody acknowledges: what was sent counts as told.
    if (!withIds) settle(entry);
    options.onResultSent();
  }

  function settle(entry: Entry): void {
    if (entry.resultSettled) return;
    entry.resultSettled = true;
    memory.update(entry.id, { acknowledged: true });
    for (const done of entry.waiting.splice(0)) done();
  }

  /** Drops the first `count` lines of a command; -1 stands for all of them. */
  function forgetLines(entry: Entry, count: number): void {
    const dropped = entry.lines.splice(0, count === -1 ? entry.lines.length : count);
    for (const line of dropped) bytes -= line.line.length + LINE_OVERHEAD_BYTES;
    entry.cursor = Math.max(0, entry.cursor - dropped.length);
  }

  /** Replaces the oldest lines by one that stands for them, until an eighth of the room is free. */
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
      const marker: Line = { seq: last.seq, stream: 'stderr', line: '', missingFrom: first.missingFrom ?? first.seq };
      entry.lines.splice(0, count, marker);
      bytes += LINE_OVERHEAD_BYTES;
      entry.cursor = Math.max(0, entry.cursor - count + (entry.cursor >= count ? 1 : 0));
      if (bytes <= target) return;
    }
  }

  function tidy(): void {
    if (entries.some(isDone)) entries = entries.filter((entry) => !isDone(entry));
    // A dashboard that never acknowledges may not make this grow for ever.
    for (const entry of entries.splice(0, Math.max(0, entries.length - MAX_REMEMBERED))) {
      forgetLines(entry, -1);
      for (const done of entry.waiting.splice(0)) done();
    }
  }

  return {
    seen,
    begin,
    refuse,
    addLine,
    finish,
    close,
    repeat,
    restart,
    acknowledge,
    pump,
    /** Ids of results that were not acknowledged yet. */
    finished: (): string[] =>
      entries.flatMap((entry) =>
        entry.result !== null && !entry.resultSettled && entry.id !== null ? [entry.id] : [],
      ),
    /** Resolves when the command's result was acknowledged, or sent to a dashboard that does not acknowledge. */
    settled: (of: OutboxEntry): Promise<void> =>
      new Promise((resolve) => {
        const entry = entries.find((other) => other === of);
        if (entry === undefined || entry.resultSettled) resolve();
        else entry.waiting.push(resolve);
      }),
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

/** What an earlier process left. The restart that its result announced has happened: this process is proof of it. */
function restored(command: Remembered): Entry {
  const entry = createEntry(command.id, command.command);
  entry.result = command.result && { ...command.result, restarting: false };
  entry.lastSeq = command.result?.lastSeq ?? 0;
  return entry;
}

function isDone(entry: Entry): boolean {
  return entry.resultSettled && entry.resultSent && entry.lines.length === 0;
}

function missingText(count: number): string {
  return `[${count} ${count === 1 ? 'line is' : 'lines are'} missing here: the dashboard did not take them in time, and the agent keeps at most 64 MiB]`;
}
