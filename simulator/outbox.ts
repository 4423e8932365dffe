/** Protocol 3: what an agent keeps until it is acknowledged, and the ids it has seen (docs/protocol.md). */
import type { AgentFrameInput } from '@/lib/protocol/agent/to-dashboard';
import type { OutputStream } from '@/lib/protocol/output-stream';
import { MAX_BATCH_LINES } from '@/lib/protocol/agent/frame-limits';

/** A character takes at most six bytes (`\u00xx`), and a frame 1 MiB. */
const MAX_BATCH_CHARACTERS = 128 * 1024;
/** Ids that are remembered at most. */
const MAX_SEEN = 512;

export interface Result {
  status: 'ok' | 'error' | 'stopped' | 'warning';
  exitCode: number;
  message: string;
  generation: string;
  restarting: boolean;
}

export interface OutboxEntry {
  readonly id: string;
  readonly command: string;
}

interface Line {
  seq: number;
  stream: OutputStream;
  line: string;
}

interface Entry extends OutboxEntry {
  lines: Line[];
  /** Index of the first line that was not sent on this connection. */
  cursor: number;
  lastSeq: number;
  result: Result | null;
  resultSent: boolean;
  acknowledged: boolean;
  waiting: (() => void)[];
}

export type Seen = 'new' | 'running' | 'finished' | 'refused' | 'lost';

export interface OutboxLink {
  /** Registered with ids, and the socket takes more. */
  ready: () => boolean;
  send: (frame: AgentFrameInput) => void;
  /** After each result that was put on the wire. */
  onResultSent: () => void;
}

export class Outbox {
  private entries: Entry[] = [];
  private readonly seenIds = new Map<string, 'begun' | 'finished' | 'refused'>();
  /** Results that were acknowledged: sent once more when the id is asked for again. */
  private readonly settled = new Map<string, Entry>();

  constructor(private readonly link: OutboxLink) {}

  seen(id: string): Seen {
    const known = this.seenIds.get(id);
    if (known === undefined) return 'new';
    if (known !== 'begun') return known;
    return this.entries.some((entry) => entry.id === id) ? 'running' : 'lost';
  }

  begin(id: string, command: string): OutboxEntry {
    const entry: Entry = {
      id,
      command,
      lines: [],
      cursor: 0,
      lastSeq: 0,
      result: null,
      resultSent: false,
      acknowledged: false,
      waiting: [],
    };
    this.entries.push(entry);
    this.remember(id, 'begun');
    return entry;
  }

  refuse(id: string): void {
    this.remember(id, 'refused');
  }

  add(of: OutboxEntry, stream: OutputStream, lines: readonly string[]): void {
    const entry = this.find(of.id);
    if (!entry) return;
    for (const line of lines) entry.lines.push({ seq: ++entry.lastSeq, stream, line });
    this.pump();
  }

  finish(of: OutboxEntry, result: Result): void {
    const entry = this.find(of.id);
    if (!entry || entry.result) return;
    entry.result = result;
    this.remember(entry.id, 'finished');
    this.pump();
  }

  /** Sends a known result once more. */
  repeat(id: string): void {
    const settled = this.settled.get(id);
    if (settled) {
      this.settled.delete(id);
      this.entries.push(settled);
    }
    const entry = this.find(id);
    if (!entry) return;
    entry.resultSent = false;
    this.pump();
  }

  /** The ids of results that are not acknowledged. */
  finished(): string[] {
    return this.entries.filter((entry) => entry.result !== null).map((entry) => entry.id);
  }

  /** A connection is registered: everything that is kept goes out again, in order. */
  resend(): void {
    for (const entry of this.entries) {
      entry.cursor = 0;
      entry.resultSent = false;
    }
    this.pump();
  }

  acknowledge(id: string, outputSeq: number | undefined, result: boolean): void {
    const entry = this.find(id);
    if (!entry) return;
    if (outputSeq !== undefined) {
      const kept = entry.lines.findIndex((line) => line.seq > outputSeq);
      const dropped = entry.lines.splice(0, kept === -1 ? entry.lines.length : kept);
      entry.cursor = Math.max(0, entry.cursor - dropped.length);
    }
    if (!result || !entry.result) return;
    entry.acknowledged = true;
    this.entries = this.entries.filter((other) => other !== entry);
    this.settled.set(id, { ...entry, lines: [], cursor: 0, waiting: [] });
    const oldest = this.settled.size > MAX_SEEN ? this.settled.keys().next().value : undefined;
    if (oldest !== undefined) this.settled.delete(oldest);
    for (const done of entry.waiting.splice(0)) done();
  }

  /** Calls back when the result of a command is acknowledged; at once when it is. */
  whenSettled(of: OutboxEntry, done: () => void): void {
    const entry = this.find(of.id);
    if (entry) entry.waiting.push(done);
    else done();
  }

  /** The process ended: results stay (they are on disk), output and what ran do not (they were in memory). */
  restart(): void {
    this.entries = this.entries.filter((entry) => entry.result !== null);
    for (const entry of this.entries) {
      entry.lines = [];
      entry.cursor = 0;
      entry.waiting = [];
      // The restart that it announced is this one.
      if (entry.result) entry.result = { ...entry.result, restarting: false };
    }
  }

  /** Sends what may be sent now. */
  pump(): void {
    for (const entry of [...this.entries]) {
      while (this.link.ready() && entry.cursor < entry.lines.length) this.sendBatch(entry);
      if (!this.link.ready()) return;
      if (!entry.result || entry.resultSent) continue;
      entry.resultSent = true;
      this.sendResult(entry, entry.result);
    }
  }

  private sendBatch(entry: Entry): void {
    const lines: Line[] = [];
    let characters = 0;
    for (const line of entry.lines.slice(entry.cursor, entry.cursor + MAX_BATCH_LINES)) {
      characters += line.line.length;
      if (lines.length > 0 && characters > MAX_BATCH_CHARACTERS) break;
      lines.push(line);
    }
    entry.cursor += lines.length;
    this.link.send({ type: 'output_batch', payload: { command_id: entry.id, lines } });
  }

  private sendResult(entry: Entry, result: Result): void {
    this.link.send({
      type: 'status',
      payload: {
        status: result.status,
        command: entry.command,
        exit_code: result.exitCode,
        ...(result.message === '' ? {} : { message: result.message }),
        ...(result.generation === '' ? {} : { generation: result.generation }),
        command_id: entry.id,
        last_seq: entry.lastSeq,
        restarting: result.restarting,
      },
    });
    this.link.onResultSent();
  }

  private find(id: string): Entry | undefined {
    return this.entries.find((entry) => entry.id === id);
  }

  private remember(id: string, state: 'begun' | 'finished' | 'refused'): void {
    this.seenIds.set(id, state);
    const oldest = this.seenIds.size > MAX_SEEN ? this.seenIds.keys().next().value : undefined;
    if (oldest !== undefined) this.seenIds.delete(oldest);
  }
}
