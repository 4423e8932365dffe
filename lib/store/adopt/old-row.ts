/**
 * A row of an older dashboard while it is adopted. SQLite stores any value in any column, so each value is checked. What
 * does not fit, and every column that was not read, goes into the row's import note: no value can be lost.
 */
import { MAX_TEXT, outputLine, plainText } from '@/lib/text/plain-text';
import { parseOldTime } from './old-time';

export type OldValue = null | string | number | bigint | Buffer;

export interface TextOptions {
  /** Maximum length, in UTF-16 units. */
  max?: number;
  /** Keeps line endings and tabs. */
  lines?: boolean;
}

export class OldRow {
  private readonly values = new Map<string, OldValue>();
  /** Columns whose value goes into the import note. */
  private readonly left: Set<string>;
  private readonly problems = new Map<string, string>();
  private readonly secrets = new Set<string>();

  /** `position`: counted from 1, to name rows without an id. */
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

  get hasProblems(): boolean {
    return this.problems.size > 0;
  }

  hasProblem(column: string): boolean {
    return this.problems.has(column);
  }

  /** One sentence for each column with a problem. */
  get problemSentences(): string[] {
    return [...this.problems].map(([column, problem]) => `${this.name}: ${column} ${problem}`);
  }

  /** Takes the value of a column out of the note; null when the row or the table has none. */
  take(column: string): OldValue {
    this.left.delete(column);
    return this.values.get(column) ?? null;
  }

  /** Keeps the value in the note: the new row has no place for it, or holds less than it. */
  keep(column: string): void {
    if (this.values.has(column)) this.left.add(column);
  }

  /** Keeps an invalid value in the note, with the reason. `problem` continues a sentence that starts with the column. */
  reject(column: string, problem: string): void {
    this.keep(column);
    this.problems.set(column, problem);
  }

  /** Keeps a secret value out of the note as well. `problem` as for `reject`. */
  drop(column: string, problem: string): void {
    this.secrets.add(column);
    this.problems.set(column, problem);
  }

  /** Text without control characters; empty without a value. */
  text(column: string, { max = MAX_TEXT, lines = false }: TextOptions = {}): string {
    const value = this.take(column);
    if (value === null) return '';
    if (value instanceof Buffer) {
      this.reject(column, 'holds bytes instead of text.');
      return '';
    }
    const text = String(value);
    const clean = lines ? text.split('\n').map(outputLine).join('\n').slice(0, max) : plainText(text, max);
    if (clean !== (lines ? text : text.trim())) {
      this.reject(column, text.length > max ? `is longer than ${max} characters.` : 'holds control characters.');
    }
    return clean;
  }

  /** Epoch milliseconds; null without a value, and for an invalid time. */
  time(column: string): number | null {
    const value = this.take(column);
    if (value === null || value === '') return null;
    const at = parseOldTime(value);
    if (at === null) this.reject(column, 'is not a time.');
    return at;
  }

  /** A whole number within bounds; null without a value, and for an invalid one. */
  integer(column: string, min: number, max: number): number | null {
    const value = this.take(column);
    if (value === null) return null;
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value;
    const whole = typeof number === 'bigint' || typeof number === 'number' ? Number(number) : NaN;
    if (Number.isInteger(whole) && whole >= min && whole <= max) return whole;
    this.reject(column, `is not a whole number from ${min} to ${max}.`);
    return null;
  }

  /** A JSON object; null without a value, and for an invalid one. */
  object(column: string): Record<string, unknown> | null {
    const value = this.take(column);
    if (value === null || value === '' || value === 'null') return null;
    const parsed = typeof value === 'string' ? parseObject(value) : null;
    if (!parsed) this.reject(column, 'is not a JSON object.');
    return parsed;
  }

  /** The import note: the values that have no other place, and their problems; null when there are none. */
  note(): string | null {
    const values = this.remaining();
    const problems = Object.fromEntries(this.problems);
    const hasProblems = this.problems.size > 0;
    if (Object.keys(values).length === 0 && !hasProblems) return null;
    return JSON.stringify(hasProblems ? { table: this.table, values, problems } : { table: this.table, values });
  }

  /** Like `note`, with the values of all columns: for a row that becomes an event. */
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

/** Encodes values that JSON does not have: bytes, infinity, and whole numbers beyond 2^53. */
function asJson(value: Exclude<OldValue, null>): unknown {
  if (value instanceof Buffer) return { bytes: value.toString('base64') };
  if (typeof value === 'bigint') {
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : { integer: value.toString() };
  }
  return typeof value === 'number' && !Number.isFinite(value) ? { real: String(value) } : value;
}
