/**
 * Output between its receipt and the database: numbered by the dashboard, limited per command, flushed in batches at a
 * bounded rate. What is published or acknowledged was stored before.
 */
import type { CommandRecord, OutputBatch } from '../records/command-record';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

/** Between two flushes while lines keep coming; the first line after a pause is flushed at once. */
export const FLUSH_INTERVAL_MS = 50;
/** This many pending characters are flushed at once. */
export const MAX_PENDING_CHARACTERS = 4 * 1024 * 1024;
/**
 * And this many lines, as each line costs a row however short it is. Lines of one agent are stored while its frame is
 * processed, so that the time counts towards that agent.
 */
export const MAX_PENDING_LINES = 4_000;
/** While the database refuses writes, this many times as many characters may be pending; further ones are dropped. */
const MAX_REFUSED_FACTOR = 4;
/** The same factor for lines, which are small. */
const MAX_REFUSED_LINES_FACTOR = 64;

interface Pending {
  lines: OutputLine[];
  size: number;
  /** The record as it was when the first of these lines arrived. */
  record: CommandRecord;
  /** The counts once they are stored. Kept apart: copying the record for each line would cost more than the line. */
  counts: Counts;
}

type Counts = Pick<CommandRecord, 'lines' | 'agentSeq' | 'outputSize' | 'outputTruncated'>;

const countsOf = ({ lines, agentSeq, outputSize, outputTruncated }: CommandRecord): Counts => ({
  lines,
  agentSeq,
  outputSize,
  outputTruncated,
});

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
    if (missing > 0) {
      const lines = missing === 1 ? '1 line is' : `${missing} lines are`;
      this.store(entry, { at, stream: 'note', text: `${lines} missing here.` });
    }
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

  /** The record with pending lines counted in, as the base of its next state. */
  current(record: CommandRecord): CommandRecord {
    const entry = this.pending.get(record.id);
    if (!entry) return record;
    return { ...record, ...entry.counts };
  }

  /**
   * The pending output of one command or of all. It stays pending until `stored` is called. A batch without lines means that
   * only the record's counts changed, because its limit was reached.
   */
  waiting(commandId?: string): OutputBatch[] {
    const ids = commandId === undefined ? [...this.pending.keys()] : [commandId];
    return ids.flatMap((id) => {
      const entry = this.pending.get(id);
      return entry ? [{ commandId: id, lines: entry.lines }] : [];
    });
  }

  /** The record of a command with pending output, with that output counted in; null if none is pending. */
  recordOf(commandId: string): CommandRecord | null {
    const entry = this.pending.get(commandId);
    return entry ? { ...entry.record, ...entry.counts } : null;
  }

  /** The ids of commands with pending output. */
  ids(): string[] {
    return [...this.pending.keys()];
  }

  /** Removes batches that are now stored. */
  stored(batches: readonly OutputBatch[]): void {
    for (const { commandId } of batches) this.drop(commandId);
  }

  /** Drops the pending output of a removed command. */
  forget(commandId: string): void {
    this.drop(commandId);
    this.dropped.delete(commandId);
  }

  private get hasNoRoom(): boolean {
    return (
      this.characters >= MAX_REFUSED_FACTOR * MAX_PENDING_CHARACTERS ||
      this.lines >= MAX_REFUSED_LINES_FACTOR * MAX_PENDING_LINES
    );
  }

  private drop(commandId: string): void {
    const entry = this.pending.get(commandId);
    if (!entry) return;
    this.characters -= entry.size;
    this.lines -= entry.lines.length;
    this.pending.delete(commandId);
  }

  private entryOf(record: CommandRecord): Pending {
    const known = this.pending.get(record.id);
    if (known) return known;
    const entry: Pending = { lines: [], size: 0, record, counts: countsOf(record) };
    this.pending.set(record.id, entry);
    return entry;
  }

  private store(entry: Pending, line: Omit<OutputLine, 'seq'>): void {
    const { counts } = entry;
    counts.lines += 1;
    // One more for the end of the line, so that empty lines count too.
    const size = line.text.length + 1;
    counts.outputSize += size;
    entry.lines.push({ ...line, seq: counts.lines });
    entry.size += size;
    this.characters += size;
    this.lines += 1;
  }
}
