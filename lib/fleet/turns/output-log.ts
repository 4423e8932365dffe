/**
 * Output between its receipt and the database: numbered by the dashboard, limited per command, flushed in batches at a
 * bounded rate. What is published or acknowledged was stored before.
 */
import type { OutputLine } from '@/lib/protocol/live';
import type { CommandRecord, OutputBatch } from '../records/command-record';

/** Between two flushes while lines keep coming; the first line after a pause is flushed at once. */
export const FLUSH_INTERVAL_MS = 50;
/** So many characters that wait are flushed without waiting any longer. */
export const MAX_PENDING_CHARACTERS = 4 * 1024 * 1024;
/**
 * And so many lines, for a line costs its row however short it is: those of one agent are stored while its frame is
 * worked through, and that time counts as its own.
 */
export const MAX_PENDING_LINES = 4_000;
/** Where the database refuses, this many times as much waits; what comes then is dropped. */
const MAX_REFUSED_FACTOR = 4;
/** As above, for lines: they are small. */
const MAX_REFUSED_LINES_FACTOR = 64;

interface Pending {
  lines: OutputLine[];
  size: number;
  /** The record as it was when the first of them came. */
  record: CommandRecord;
  /** What of it will differ once they are stored. Apart, because a copy of the record for each line costs more than the line. */
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
  /** Lines without a number that were dropped since the last one that was kept, by command. */
  private readonly dropped = new Map<string, number>();

  /** `limit`: characters of output that are kept per command. */
  constructor(private readonly limit: number) {}

  /** True when so much waits that it should be flushed now. */
  get isFull(): boolean {
    return this.characters >= MAX_PENDING_CHARACTERS || this.lines >= MAX_PENDING_LINES;
  }

  get isEmpty(): boolean {
    return this.pending.size === 0;
  }

  /** Takes a line of a command. `agentSeq`: the agent's own number of it, if it has one. */
  append(record: CommandRecord, at: number, stream: OutputLine['stream'], text: string, agentSeq: number | null): void {
    const known: Counts = this.pending.get(record.id)?.counts ?? record;
    if (agentSeq !== null && agentSeq <= known.agentSeq) return;
    // Only where the database refuses for long does so much wait: then memory must not grow without bound.
    if (this.hasNoRoom) {
      // The agent's own numbers tell of the gap by themselves.
      if (agentSeq === null) this.dropped.set(record.id, (this.dropped.get(record.id) ?? 0) + 1);
      return;
    }
    const entry = this.entryOf(record);
    const { counts } = entry;
    const missing = (this.dropped.get(record.id) ?? 0) + (agentSeq === null ? 0 : agentSeq - counts.agentSeq - 1);
    this.dropped.delete(record.id);
    if (agentSeq !== null) counts.agentSeq = agentSeq;
    // After the limit nothing of the host is kept, nor what it could make up.
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
        text: `The limit of ${megabytes} MiB for one command is reached: later lines are not kept.`,
      });
      return;
    }
    this.store(entry, { at, stream, text });
  }

  /** The record with what waits counted in, to base a new state on. */
  current(record: CommandRecord): CommandRecord {
    const entry = this.pending.get(record.id);
    if (!entry) return record;
    return { ...record, ...entry.counts };
  }

  /**
   * What waits, of one command or of all. It goes on waiting until `stored` says otherwise. A batch without lines: only
   * the counts of the record moved on, because its limit is reached.
   */
  waiting(commandId?: string): OutputBatch[] {
    const ids = commandId === undefined ? [...this.pending.keys()] : [commandId];
    return ids.flatMap((id) => {
      const entry = this.pending.get(id);
      return entry ? [{ commandId: id, lines: entry.lines }] : [];
    });
  }

  /** The record that waiting output belongs to, with that output counted in; null when none waits. */
  recordOf(commandId: string): CommandRecord | null {
    const entry = this.pending.get(commandId);
    return entry ? { ...entry.record, ...entry.counts } : null;
  }

  /** The commands that have output waiting. */
  ids(): string[] {
    return [...this.pending.keys()];
  }

  /** These batches are in the database now. */
  stored(batches: readonly OutputBatch[]): void {
    for (const { commandId } of batches) this.drop(commandId);
  }

  /** The command is gone, and its lines with it. */
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
