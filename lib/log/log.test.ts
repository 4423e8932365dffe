import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLog, MAX_LINE_LENGTH } from '.';
import { LINES_PER_WINDOW, WINDOW_MS } from './log-limit';

describe('createLog', () => {
  it('redacts secrets wherever they are in a record', () => {
    const lines: string[] = [];
    const log = createLog('info', { write: (line: string) => lines.push(line) });
    log.info(
      {
        token: 'S3CRET',
        config: { passwordHash: 'S3CRET' },
        request: { headers: { authorization: 'S3CRET', cookie: 'S3CRET' } },
      },
      'x',
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('S3CRET');
    expect(lines[0]).toContain('[redacted]');
  });

  it('writes one line for a message that holds line breaks', () => {
    const lines: string[] = [];
    createLog('info', { write: (line: string) => lines.push(line) }).info('a\nforged line');
    expect(lines.join('').trimEnd().split('\n')).toHaveLength(1);
  });

  it('is silent below its level', () => {
    const lines: string[] = [];
    createLog('warn', { write: (line: string) => lines.push(line) }).info('quiet');
    expect(lines).toEqual([]);
  });
});

describe('a log line with untrusted text', () => {
  const write = (fields: object, message: string): string => {
    const lines: string[] = [];
    createLog('info', { write: (line: string) => lines.push(line) }).warn(fields, message);
    expect(lines).toHaveLength(1);
    return lines[0] ?? '';
  };

  it('has no character that steers a terminal or reorders text, and the same value when it is parsed', () => {
    const origin = 'https://\u009b2J\u202eevil\u2028.example\u0007\u007f\u200b';
    const line = write({ origin, err: new Error(origin) }, origin);
    expect(line.trimEnd()).toMatch(/^[\u0020-\u007e]+$/);
    expect(JSON.parse(line)).toMatchObject({ origin, msg: origin, err: { message: origin } });
  });

  it('is cut when it is long, and keeps its level, time and message', () => {
    const line = write({ origin: 'o'.repeat(100_000), err: new Error('e'.repeat(100_000)) }, 'refused');
    expect(line.length).toBeLessThan(MAX_LINE_LENGTH);
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      msg: 'refused',
      origin: expect.stringMatching(/^o+…$/) as string,
    });
  });

  it('is cut when it has many fields', () => {
    const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`field-${index}`, 'value']));
    const line = write(many, 'refused');
    expect(line.length).toBeLessThan(MAX_LINE_LENGTH);
    expect(JSON.parse(line)).toMatchObject({ level: 'warn', msg: 'refused' });
  });
});

describe('a message that is repeated', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('is written a limited number of times per minute, with one line that counts the rest', () => {
    const lines: string[] = [];
    const log = createLog('info', { write: (line: string) => lines.push(line) });
    for (let n = 0; n < LINES_PER_WINDOW + 70; n += 1) log.warn({ n }, 'a request was refused');
    log.warn('something else');
    expect(lines).toHaveLength(LINES_PER_WINDOW + 1);
    vi.advanceTimersByTime(WINDOW_MS);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ message: 'a request was refused', leftOut: 70 });
    log.warn('a request was refused');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ msg: 'a request was refused' });
  });

  it('is counted in bounded memory when the messages differ', () => {
    const lines: string[] = [];
    const log = createLog('info', { write: (line: string) => lines.push(line) });
    for (let n = 0; n < 5_000; n += 1) log.warn(`message ${n}`);
    expect(lines.length).toBeLessThan(1_000);
    vi.advanceTimersByTime(WINDOW_MS);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ message: 'other messages' });
  });
});
