/**
 * A row of an older dashboard while it is taken over. SQLite keeps any value in any column, so each is looked at; what
 * does not fit, and what nobody asked for, goes into the row's import note: nothing is lost by forgetting it.
 */
import { MAX_TEXT, outputLine, plainText } from '@/lib/text/plain-text';
import { parseOldTime } from './old-time';

export type OldValue = null | string | number | bigint | Buffer;

export interface TextOptions {
  /** Longest that is taken, in UTF-16 units. */
  max?: number;
  /** Keeps line ends and tabs. */
  lines?: boolean;
}

export class OldRow {
  private readonly values = new Map<string, OldValue>();
  /** What has no place in the new row, by column. */
  private readonly left: Set<string>;
  private readonly problems = new Map<string, string>();
  private readonly secrets = new Set<string>();

  /** `position`: counted from 1, for rows without a name. */
  constructor(
    readonly table: string,
    readonly position: number,
    row: object,
  ) {
    for (const [name, value] of Object.entries(row)) this.values.set(name.toLowerCase(), asOldValue(value));
    this.left = new Set(this.values.keys());
  }

  /** As in "Table hosts, row 3 (csb0)". */
  get name(): string {
    const id = this.values.get('id') ?? null;
    const shown =
      typeof id === 'string' || typeof id === 'bigint' || typeof id === 'number' ? plainText(`${id}`, 80) : '';
    return `Table ${this.table}, row ${this.position}${shown === '' ? '' : ` (${shown})`}`;
  }

  get isMended(): boolean {
    return this.problems.size > 0;
  }

  isWrong(column: string): boolean {
    return this.problems.has(column);
  }

  /** What was wrong, a sentence for each column. */
  get complaints(): string[] {
    return [...this.problems].map(([column, problem]) => `${this.name}: ${column} ${problem}`);
  }

  /** The value of a column, null when it has none or the table lacks it. It counts as taken over. */
  take(column: string): OldValue {
    this.left.delete(column);
    return this.values.get(column) ?? null;
  }

  /** The value stays in the note: there is no place for it, or the new one says less. */
  keep(column: string): void {
    if (this.values.has(column)) this.left.add(column);
  }

  /** The value is wrong: it stays in the note, with the reason. `problem` goes on from the column's name. */
  mend(column: string, problem: string): void {
    this.keep(column);
    this.problems.set(column, problem);
  }

  /** The value may not be written down anywhere else. */
  drop(column: string, problem: string): void {
    this.secrets.add(column);
    this.problems.set(column, problem);
  }

  /** Harmless text; empty for nothing. */
  text(column: string, { max = MAX_TEXT, lines = false }: TextOptions = {}): string {
    const value = this.take(column);
    if (value === null) return '';
    if (value instanceof Buffer) {
      this.mend(column, 'holds bytes instead of text.');
      return '';
    }
    const text = String(value);
    const clean = lines ? text.split('\n').map(outputLine).join('\n').slice(0, max) : plainText(text, max);
    if (clean !== (lines ? text : text.trim())) {
      this.mend(column, text.length > max ? `is longer than ${max} characters.` : 'holds control characters.');
    }
    return clean;
  }

  /** Epoch milliseconds; null for nothing, and for what is no time. */
  time(column: string): number | null {
    const value = this.take(column);
    if (value === null || value === '') return null;
    const at = parseOldTime(value);
    if (at === null) this.mend(column, 'is no time.');
    return at;
  }

  /** A whole number within bounds; null for nothing, and for what is none. */
  integer(column: string, min: number, max: number): number | null {
    const value = this.take(column);
    if (value === null) return null;
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value;
    const whole = typeof number === 'bigint' || typeof number === 'number' ? Number(number) : NaN;
    if (Number.isInteger(whole) && whole >= min && whole <= max) return whole;
    this.mend(column, `is no whole number from ${min} to ${max}.`);
    return null;
  }

  /** A JSON object; null for nothing, and for what is none. */
  object(column: string): Record<string, unknown> | null {
    const value = this.take(column);
    if (value === null || value === '' || value === 'null') return null;
    const parsed = typeof value === 'string' ? parseObject(value) : null;
    if (!parsed) this.mend(column, 'is no JSON object.');
    return parsed;
  }

  /** The import note: everything that is left, and what was wrong with it; null when there is nothing to say. */
  note(): string | null {
    const values = this.remaining();
    const problems = Object.fromEntries(this.problems);
    const hasProblems = this.problems.size > 0;
    if (Object.keys(values).length === 0 && !hasProblems) return null;
    return JSON.stringify(hasProblems ? { table: this.table, values, problems } : { table: this.table, values });
  }

  /** As `note`, with the values of all columns: for a row that becomes something else. */
  wholeNote(): string {
    for (const column of this.values.keys()) this.left.add(column);
    return this.note() ?? JSON.stringify({ table: this.table, values: {} });
  }

  private remaining(): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    for (const column of this.left) {
      const value = this.values.get(column) ?? null;
      if (value !== null && !this.secrets.has(column)) entries.push([column, asJson(value)]);
    }
    return Object.fromEntries(entries);
  }
}

export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    return Object.fromEntries(Object.entries(value));
  } catch {
    return null;
  }
}

function asOldValue(value: unknown): OldValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  return value instanceof Buffer ? value : null;
}

/** So that it can be read back: JSON has no bytes, no infinity, and no whole numbers beyond 2^53. */
function asJson(value: Exclude<OldValue, null>): unknown {
  if (value instanceof Buffer) return { bytes: value.toString('base64') };
  if (typeof value === 'bigint') {
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : { integer: value.toString() };
  }
  return typeof value === 'number' && !Number.isFinite(value) ? { real: String(value) } : value;
}
