/**
 * Output between its receipt and the database: numbered by the dashboard, limited per command, flushed in batches at a
 * bounded rate. What is published or acknowledged was stored before.
 */
import type { NewLine } from './turn';
import type { CommandRecord } from '../records/command-record';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

/** Between two flushes while lines keep coming; the first line after a pause is flushed at once. */
export const FLUSH_INTERVAL_MS = 50;
/** This many pending characters are flushed at once. */
export const MAX_PENDING_CHARACTERS = 4 * 1024 * 1024;
/** And this many lines, however short: an agent that sends faster than they are stored is not read meanwhile. */
export const MAX_PENDING_LINES = 4_000;
/** While the database refuses writes, this many times as many characters may be pending; further ones are dropped. */
const MAX_REFUSED_FACTOR = 4;
/** The same factor for lines, which are small. */
const MAX_REFUSED_LINES_FACTOR = 64;

interface Pending {
  lines: OutputLine[];
  /** Characters of these lines. */
  size: number;
  /** Lines that are being stored. */
  sent: Sent | null;
  /** The record as it was when the first of these lines arrived. */
  record: CommandRecord;
  /** The counts once they are stored. Kept apart: copying the record for each line would cost more than the line. */
  counts: Counts;
}

interface Sent {
  lines: readonly OutputLine[];
  size: number;
  /** The counts with these lines. */
  counts: Counts;
  /** The first lines, which agents sent; the dashboard added the others for the turn that is being stored. */
  kept: number;
  /** The counts without the added lines. */
  before: Counts;
  /** Lines without a number that had been dropped until then. */
  dropped: number;
}

export type Counts = Pick<CommandRecord, 'lines' | 'agentSeq' | 'outputSize' | 'outputTruncated'>;

/** Lines of one command that are being stored, with its record and counts once they are. */
export interface SentOutput {
  commandId: string;
  /** Empty when only the counts changed, because the limit was reached. */
  lines: readonly OutputLine[];
  record: CommandRecord;
  counts: Counts;
}

const countsOf = ({ lines, agentSeq, outputSize, outputTruncated }: CommandRecord): Counts => ({
  lines,
  agentSeq,
  outputSize,
  outputTruncated,
});

/** The line that stands for missing ones. */
const missingText = (count: number) => (count === 1 ? '1 line is missing here.' : `${count} lines are missing here.`);

export class OutputLog {
  private readonly pending = new Map<string, Pending>();
  private characters = 0;
  private lines = 0;
  /** Lines without a number that were dropped since the last stored one, by command. */
  private readonly dropped = new Map<string, number>();

  /** `limit`: characters of output stored per command at most. */
  constructor(private readonly limit: number) {}

  /** True when enough is pending to flush now. */
  get isFull(): boolean {
    return this.characters >= MAX_PENDING_CHARACTERS || this.lines >= MAX_PENDING_LINES;
  }

  get isEmpty(): boolean {
    return this.pending.size === 0;
  }

  /** Adds a line of a command. `agentSeq`: the agent's number for it, if it has one. */
  append(record: CommandRecord, at: number, stream: OutputLine['stream'], text: string, agentSeq: number | null): void {
    const known: Counts = this.pending.get(record.id)?.counts ?? record;
    if (agentSeq !== null && agentSeq <= known.agentSeq) return;
    // Only a database that refuses writes for long lets this much accumulate; memory must stay bounded.
    if (this.hasNoRoom) {
      // With agent numbers, the gap shows by itself.
      if (agentSeq === null) this.dropped.set(record.id, (this.dropped.get(record.id) ?? 0) + 1);
      return;
    }
    const entry = this.entryOf(record);
    const { counts } = entry;
    const missing = (this.dropped.get(record.id) ?? 0) + (agentSeq === null ? 0 : agentSeq - counts.agentSeq - 1);
    this.dropped.delete(record.id);
    if (agentSeq !== null) counts.agentSeq = agentSeq;
    // After the limit nothing from the host is stored, not even gaps, which it could invent.
    if (counts.outputTruncated && stream !== 'note') return;
    if (missing > 0) this.store(entry, { at, stream: 'note', text: missingText(missing) });
    if (stream !== 'note' && counts.outputSize + text.length + 1 > this.limit) {
      counts.outputTruncated = true;
      const megabytes = Math.max(1, Math.round(this.limit / 1024 / 1024));
      this.store(entry, {
        at,
        stream: 'note',
        text: `The output limit of ${megabytes} MiB per command has been reached: further lines are not stored.`,
      });
      return;
    }
    this.store(entry, { at, stream, text });
  }

  /**
   * The pending lines of a command, to be stored, with `added` behind them; null if there are none. One batch of a command
   * at a time. `endedAt`: when the command ended, if this is its end.
   */
  take(
    record: CommandRecord,
    added: readonly Omit<NewLine, 'command'>[],
    endedAt: number | null = null,
  ): SentOutput | null {
    const dropped = this.dropped.get(record.id) ?? 0;
    const isNeeded = added.length > 0 || (endedAt !== null && dropped > 0);
    const entry = this.pending.get(record.id) ?? (isNeeded ? this.entryOf(record) : null);
    if (!entry || entry.sent) return null;
    const before = { ...entry.counts };
    const kept = entry.lines.length;
    for (const { at, stream, text } of added) this.append(record, at, stream, text, null);
    // No further line reports them.
    const unreported = this.dropped.get(record.id) ?? 0;
    if (endedAt !== null && unreported > 0) {
      this.dropped.delete(record.id);
      this.store(entry, { at: endedAt, stream: 'note', text: missingText(unreported) });
    }
    const { lines, size } = entry;
    const counts = { ...entry.counts };
    entry.sent = { lines, size, counts, kept, before, dropped };
    entry.lines = [];
    entry.size = 0;
    return { commandId: record.id, lines, record: entry.record, counts };
  }

  /** A batch is stored. */
  stored({ commandId }: SentOutput): void {
    const entry = this.pending.get(commandId);
    if (!entry?.sent) return;
    const { lines, size, counts } = entry.sent;
    this.characters -= size;
    this.lines -= lines.length;
    entry.sent = null;
    const isComplete =
      counts.agentSeq === entry.counts.agentSeq && counts.outputTruncated === entry.counts.outputTruncated;
    if (entry.lines.length === 0 && isComplete) this.pending.delete(commandId);
  }

  /**
   * A batch could not be stored: its lines are pending again, before those that came meanwhile. The added ones are not:
   * what added them has not happened.
   */
  putBack({ commandId }: SentOutput): void {
    const entry = this.pending.get(commandId);
    if (!entry?.sent) return;
    const { lines, size, counts, kept, before, dropped } = entry.sent;
    const removed = lines.slice(kept);
    // What the added lines said about them was not stored.
    if (removed.length > 0 && dropped > 0) this.dropped.set(commandId, (this.dropped.get(commandId) ?? 0) + dropped);
    const removedSize = counts.outputSize - before.outputSize;
    const hasNone = kept + entry.lines.length === 0;
    entry.lines = [
      ...lines.slice(0, kept),
      ...entry.lines.map((line) => ({ ...line, seq: line.seq - removed.length })),
    ];
    entry.size += size - removedSize;
    entry.sent = null;
    entry.counts.lines -= removed.length;
    entry.counts.outputSize -= removedSize;
    if (entry.counts.outputTruncated === counts.outputTruncated) entry.counts.outputTruncated = before.outputTruncated;
    this.characters -= removedSize;
    this.lines -= removed.length;
    if (hasNone && entry.counts.agentSeq === entry.record.agentSeq) this.pending.delete(commandId);
  }

  /** The line that stands for what has not arrived of a command, up to the agent's number of its last line; or null. */
  missingUpTo(record: CommandRecord, lastSeq: number): string | null {
    const missing = lastSeq - (this.pending.get(record.id)?.counts ?? record).agentSeq;
    return missing > 0 ? missingText(missing) : null;
  }

  /** Whether output of this command is pending. */
  has(commandId: string): boolean {
    return this.pending.has(commandId);
  }

  /** A command with pending output, as it was when that arrived. */
  recordOf(commandId: string): CommandRecord | null {
    return this.pending.get(commandId)?.record ?? null;
  }

  /** The commands with pending output, as they were when it arrived. */
  records(): CommandRecord[] {
    return [...this.pending.values()].map(({ record }) => record);
  }

  get size(): number {
    return this.pending.size;
  }

  /** Drops the pending output of a command. */
  forget(commandId: string): void {
    const entry = this.pending.get(commandId);
    this.dropped.delete(commandId);
    if (!entry) return;
    this.characters -= entry.size + (entry.sent?.size ?? 0);
    this.lines -= entry.lines.length + (entry.sent?.lines.length ?? 0);
    this.pending.delete(commandId);
  }

  private get hasNoRoom(): boolean {
    return (
      this.characters >= MAX_REFUSED_FACTOR * MAX_PENDING_CHARACTERS ||
      this.lines >= MAX_REFUSED_LINES_FACTOR * MAX_PENDING_LINES
    );
  }

  private entryOf(record: CommandRecord): Pending {
    const known = this.pending.get(record.id);
    if (known) return known;
    const entry: Pending = { lines: [], size: 0, sent: null, record, counts: countsOf(record) };
    this.pending.set(record.id, entry);
    return entry;
  }

  private store(entry: Pending, { at, stream, text }: Omit<OutputLine, 'seq'>): void {
    const { counts } = entry;
    counts.lines += 1;
    // One more for the end of the line, so that empty lines count too.
    const size = text.length + 1;
    counts.outputSize += size;
    // Field by field, without a copy by spread: this runs for each line of output.
    entry.lines.push({ seq: counts.lines, at, stream, text });
    entry.size += size;
    this.characters += size;
    this.lines += 1;
  }
}
