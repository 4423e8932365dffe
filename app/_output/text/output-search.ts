/** Finds text in a command's output, a slice at a time, so that a hundred thousand lines do not stop a frame. */
import type { OutputBuffer } from './output-buffer';
import { plainOutput } from './sgr';

export interface OutputMatch {
  /** Place in the whole output: the buffer's `dropped` plus its row index. Stays right while old rows are given up. */
  position: number;
  /** From and to, in the plain text of the row. */
  start: number;
  end: number;
}

/** Matches that are counted at most; more than anybody steps through. */
export const MAX_MATCHES = 10_000;

/** One search for one text. Case makes no difference. */
export class OutputSearch {
  readonly query: string;
  private found: OutputMatch[] = [];
  private next = 0;
  private readonly pattern: RegExp | null;

  constructor(query: string) {
    this.query = query;
    this.pattern = searchPattern(query);
  }

  /** In order. */
  get matches(): readonly OutputMatch[] {
    return this.found;
  }

  /** True when there are more matches than are kept. */
  get isFull(): boolean {
    return this.found.length >= MAX_MATCHES;
  }

  /** Looks at up to `rows` further rows; gives true when all that is there was looked at. */
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

/** The pattern of a query; null for an empty one. */
export function searchPattern(query: string): RegExp | null {
  if (query === '') return null;
  return new RegExp(query.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'gi');
}

/** Every place of a pattern in a text, none overlapping. */
export function findIn(text: string, pattern: RegExp | null): { start: number; end: number }[] {
  if (!pattern) return [];
  return Array.from(text.matchAll(pattern), (match) => ({ start: match.index, end: match.index + match[0].length }));
}
