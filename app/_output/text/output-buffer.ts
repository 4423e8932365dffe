/**
 * The output of one command in a browser: lines in order of their numbers, each once. Stored in chunks, so that a hundred
 * thousand lines are appended without copying and the oldest are dropped chunk by chunk.
 */
import { PLAIN_STYLE, styleAfter, type SgrStyle } from './sgr';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

/** One displayed line. */
export interface OutputRow extends OutputLine {
  /** The style left active by earlier lines of the same stream, as on a terminal. */
  startStyle: SgrStyle;
}

export type AppendResult =
  | { kind: 'appended'; added: number }
  /** Lines after `after` are missing: request them again. Nothing after the gap was stored. */
  | { kind: 'gap'; after: number; added: number };

export interface OutputLimits {
  /** Maximum number of lines. */
  lines: number;
  /** Maximum UTF-16 units of text. */
  characters: number;
}

export const OUTPUT_LIMITS: OutputLimits = { lines: 100_000, characters: 40_000_000 };
const CHUNK_LINES = 1_000;

interface Chunk {
  rows: OutputRow[];
  characters: number;
}

export class OutputBuffer {
  private readonly chunks: Chunk[] = [];
  private readonly limits: OutputLimits;
  private readonly chunkLines: number;
  private characters = 0;
  private count = 0;
  private last = 0;
  private droppedCount = 0;
  /** The gap that was reported and not filled. If the same one comes again, the lines between do not exist. */
  private gap: { after: number; to: number } | null = null;
  private readonly styles = new Map<OutputLine['stream'], SgrStyle>();

  constructor(limits: OutputLimits = OUTPUT_LIMITS) {
    this.limits = limits;
    this.chunkLines = Math.max(1, Math.min(CHUNK_LINES, Math.ceil(limits.lines / 4)));
  }

  /** Rows stored now. */
  get size(): number {
    return this.count;
  }

  /** Number of the last stored line; 0 before the first. */
  get lastSeq(): number {
    return this.last;
  }

  /** Rows dropped at the start because of the limits. Row `i` is the `dropped + i`-th of the output. */
  get dropped(): number {
    return this.droppedCount;
  }

  /**
   * Appends lines. Lines that are stored already are ignored. A gap in the numbers is reported once, so that the caller
   * requests the lines again; when the same gap comes again, they no longer exist, and a note takes their place.
   */
  append(lines: readonly OutputLine[]): AppendResult {
    let added = 0;
    for (const line of lines) {
      if (line.seq <= this.last) continue;
      if (line.seq > this.last + 1) {
        if (this.gap?.after !== this.last || this.gap.to !== line.seq) {
          // Lines sent before the new request may have a larger gap: that is not its answer.
          const to = this.gap?.after === this.last ? Math.min(this.gap.to, line.seq) : line.seq;
          this.gap = { after: this.last, to };
          this.evict();
          return { kind: 'gap', after: this.last, added };
        }
        const missing = line.seq - this.last - 1;
        this.push({
          seq: this.last + 1,
          at: line.at,
          stream: 'note',
          text: missing === 1 ? '1 line is missing here.' : `${missing} lines are missing here.`,
        });
        added += 1;
      }
      this.gap = null;
      this.push(line);
      this.last = line.seq;
      added += 1;
    }
    this.evict();
    return { kind: 'appended', added };
  }

  /** The row at an index from 0 to `size - 1`; undefined outside that range. */
  row(index: number): OutputRow | undefined {
    if (index < 0 || index >= this.count) return undefined;
    // Every chunk but the last is full.
    return this.chunks[Math.floor(index / this.chunkLines)]?.rows[index % this.chunkLines];
  }

  /** All stored rows, in order. */
  *rows(): Generator<OutputRow> {
    for (const chunk of this.chunks) yield* chunk.rows;
  }

  private push(line: OutputLine): void {
    let chunk = this.chunks[this.chunks.length - 1];
    if (!chunk || chunk.rows.length >= this.chunkLines) {
      chunk = { rows: [], characters: 0 };
      this.chunks.push(chunk);
    }
    const startStyle = this.styles.get(line.stream) ?? PLAIN_STYLE;
    if (line.stream !== 'note') this.styles.set(line.stream, styleAfter(line.text, startStyle));
    chunk.rows.push({ ...line, startStyle });
    chunk.characters += line.text.length;
    this.characters += line.text.length;
    this.count += 1;
  }

  private evict(): void {
    while (this.chunks.length > 1 && (this.count > this.limits.lines || this.characters > this.limits.characters)) {
      const oldest = this.chunks.shift();
      if (!oldest) return;
      this.count -= oldest.rows.length;
      this.characters -= oldest.characters;
      this.droppedCount += oldest.rows.length;
    }
  }
}
