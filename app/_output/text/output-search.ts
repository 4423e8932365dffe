/** Searches a command's output in slices, so that a hundred thousand lines do not block a frame. */
import type { OutputBuffer } from './output-buffer';
import { plainOutput } from './sgr';

export interface OutputMatch {
  /** Position in the whole output: the buffer's `dropped` plus the row index. Stays valid when old rows are dropped. */
  position: number;
  /** Start and end in the plain text of the row. */
  start: number;
  end: number;
}

/** Maximum number of matches. */
export const MAX_MATCHES = 10_000;

/** One search for one text, case-insensitive. */
export class OutputSearch {
  readonly query: string;
  private found: OutputMatch[] = [];
  private next = 0;
  private readonly pattern: RegExp | null;

  constructor(query: string) {
    this.query = query;
    this.pattern = searchPattern(query);
  }

  /** The matches so far, in order. */
  get matches(): readonly OutputMatch[] {
    return this.found;
  }

  /** True when the maximum number of matches is reached. */
  get isFull(): boolean {
    return this.found.length >= MAX_MATCHES;
  }

  /** Searches up to `rows` further rows; true when all rows have been searched. */
  scan(buffer: OutputBuffer, rows: number): boolean {
    if (!this.pattern || this.isFull) return true;
    const { dropped } = buffer;
    if (this.found[0] && this.found[0].position < dropped) {
      this.found = this.found.filter((match) => match.position >= dropped);
    }
    this.next = Math.max(this.next, dropped);
    const end = dropped + buffer.size;
    const until = Math.min(end, this.next + rows);
    while (this.next < until && this.found.length < MAX_MATCHES) {
      const row = buffer.row(this.next - dropped);
      if (row) this.collect(plainOutput(row.text), this.next);
      this.next += 1;
    }
    return this.next >= end || this.isFull;
  }

  private collect(text: string, position: number): void {
    for (const { start, end } of findIn(text, this.pattern)) {
      if (this.isFull) return;
      this.found.push({ position, start, end });
    }
  }
}

/** The pattern for a query; null for an empty one. */
export function searchPattern(query: string): RegExp | null {
  if (query === '') return null;
  return new RegExp(query.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'gi');
}

/** Every match of a pattern in a text, not overlapping. */
export function findIn(text: string, pattern: RegExp | null): { start: number; end: number }[] {
  if (!pattern) return [];
  return Array.from(text.matchAll(pattern), (match) => ({ start: match.index, end: match.index + match[0].length }));
}
