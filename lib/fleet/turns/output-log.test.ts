import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_PENDING_CHARACTERS, MAX_PENDING_LINES, OutputLog, type SentOutput } from './output-log';
import { RUNNING, sampleCommand, T0 } from '../testing/samples';
import type { CommandRecord } from '../records/command-record';

const command = (changes: Partial<CommandRecord> = {}) => sampleCommand('pull', RUNNING, changes);
/** The pending batch of a command; it stays pending. */
function peek(log: OutputLog, record: CommandRecord): SentOutput | null {
  const sent = log.take(record, []);
  if (sent) log.putBack(sent);
  return sent;
}
const texts = (log: OutputLog, record = command()) => peek(log, record)?.lines.map(({ text }) => text) ?? [];

/** Stores pending output as the fleet does, and returns the record with it counted in. */
function store(log: OutputLog, record: CommandRecord): CommandRecord {
  const sent = log.take(record, []);
  if (!sent) return record;
  log.stored(sent);
  return { ...record, ...sent.counts };
}

describe('OutputLog', () => {
  it('numbers the lines of each command, and continues after they are stored', () => {
    const log = new OutputLog(1_000);
    const [a, b] = [command({ id: 'a' }), command({ id: 'b', lines: 7 })];
    log.append(a, T0, 'stdout', 'one', null);
    log.append(b, T0, 'stderr', 'eight', null);
    log.append(a, T0 + 1, 'stdout', 'two', null);
    expect(peek(log, a)?.lines).toEqual([
      { seq: 1, at: T0, stream: 'stdout', text: 'one' },
      { seq: 2, at: T0 + 1, stream: 'stdout', text: 'two' },
    ]);
    expect(peek(log, b)?.lines).toEqual([{ seq: 8, at: T0, stream: 'stderr', text: 'eight' }]);
    const stored = store(log, a);
    expect(stored).toMatchObject({ lines: 2, outputSize: 8 });
    expect(log.records().map(({ id }) => id)).toEqual(['b']);
    log.append(stored, T0, 'stdout', 'three', null);
    expect(peek(log, a)?.lines[0]?.seq).toBe(3);
  });

  it('keeps lines until they are stored: a refusal of the database loses nothing', () => {
    const log = new OutputLog(1_000);
    log.append(command(), T0, 'stdout', 'one', null);
    expect(peek(log, command())).toEqual(peek(log, command()));
    expect(log.isEmpty).toBe(false);
    log.append(command(), T0, 'stdout', 'two', null);
    expect(texts(log)).toEqual(['one', 'two']);
    store(log, command());
    expect(log.isEmpty).toBe(true);
    expect(peek(log, command())).toBeNull();
  });

  it('gives the counts that the record has once the batch is stored', () => {
    const log = new OutputLog(1_000);
    const record = command();
    log.append(record, T0, 'stdout', 'one', 1);
    expect(peek(log, record)?.counts).toEqual({ lines: 1, agentSeq: 1, outputSize: 4, outputTruncated: false });
    expect(log.recordOf(record.id)).toEqual(record);
    expect(log.recordOf('another')).toBeNull();
  });

  it('keeps lines that come while a batch is being stored for the next one', () => {
    const log = new OutputLog(1_000);
    const record = command();
    log.append(record, T0, 'stdout', 'one', 1);
    const sent = log.take(record, []);
    log.append(record, T0, 'stdout', 'two', 2);
    expect(log.take(record, [])).toBeNull();
    expect(sent).toMatchObject({ lines: [{ seq: 1, text: 'one' }], counts: { agentSeq: 1, lines: 1 } });
    if (sent) log.stored(sent);
    expect(log.take(record, [])).toMatchObject({ lines: [{ seq: 2, text: 'two' }], counts: { agentSeq: 2, lines: 2 } });
  });

  it('keeps the count of lines beyond the limit that come while a batch is being stored', () => {
    const log = new OutputLog(4);
    const record = command();
    log.append(record, T0, 'stdout', 'one', 1);
    log.append(record, T0, 'stdout', 'two', 2);
    const sent = log.take(record, []);
    log.append(record, T0, 'stdout', 'three', 3);
    if (sent) log.stored(sent);
    expect(log.take(record, [])).toMatchObject({ lines: [], counts: { agentSeq: 3 } });
  });

  it('puts a refused batch back before the lines that came meanwhile, without the lines that the turn added', () => {
    const added = [{ at: T0, stream: 'note' as const, text: 'late' }];
    const log = new OutputLog(1_000);
    const record = command();
    log.append(record, T0, 'stdout', 'one', 1);
    const sent = log.take(record, added);
    expect(sent?.lines.map(({ text }) => text)).toEqual(['one', 'late']);
    log.append(record, T0, 'stdout', 'two', 2);
    if (sent) log.putBack(sent);
    expect(log.take(record, [])).toMatchObject({
      lines: [
        { seq: 1, text: 'one' },
        { seq: 2, text: 'two' },
      ],
      counts: { lines: 2, agentSeq: 2, outputSize: 8 },
    });
  });

  it('marks dropped lines again when the batch that did was refused', () => {
    const log = new OutputLog(1e9);
    const [record, other] = [command(), command({ id: 'other' })];
    for (let n = 0; n < 20; n += 1) log.append(other, T0, 'stdout', 'x'.repeat(1024 * 1024), null);
    log.append(record, T0, 'stdout', 'dropped', null);
    log.forget('other');
    const added = [{ at: T0, stream: 'note' as const, text: 'late' }];
    for (let tries = 0; tries < 2; tries += 1) {
      const sent = log.take(record, added);
      expect(sent?.lines.map(({ text }) => text)).toEqual(['1 line is missing here.', 'late']);
      if (sent) log.putBack(sent);
    }
  });

  it('has nothing pending after a refused batch of added lines alone', () => {
    const log = new OutputLog(1_000);
    const sent = log.take(command(), [{ at: T0, stream: 'note', text: 'late' }]);
    if (sent) log.putBack(sent);
    expect(log.isEmpty).toBe(true);
  });

  it('drops repeated lines of protocol 3, before and after they are stored', () => {
    const log = new OutputLog(1_000);
    const record = command();
    for (const seq of [1, 2, 2, 1, 3]) log.append(record, T0, 'stdout', `line ${seq}`, seq);
    expect(texts(log)).toEqual(['line 1', 'line 2', 'line 3']);
    const stored = store(log, record);
    log.append(stored, T0, 'stdout', 'line 2', 2);
    // Nothing is pending, so nothing has to be stored for it.
    expect(log.isEmpty).toBe(true);
    log.append(stored, T0, 'stdout', 'line 4', 4);
    expect(texts(log)).toEqual(['line 4']);
  });

  it.each([
    [2, '1 line is missing here.'],
    [5, '4 lines are missing here.'],
  ])('a gap is marked where it is (docs/protocol.md): line %i first', (seq, note) => {
    const log = new OutputLog(1_000);
    log.append(command(), T0, 'stdout', 'late', seq);
    expect(peek(log, command())?.lines).toEqual([
      { seq: 1, at: T0, stream: 'note', text: note },
      { seq: 2, at: T0, stream: 'stdout', text: 'late' },
    ]);
  });

  it('marks the limit once; later lines are not stored but still count as received', () => {
    const log = new OutputLog(20);
    const record = command();
    for (let seq = 1; seq <= 6; seq += 1) log.append(record, T0, 'stdout', '12345678', seq);
    expect(texts(log)).toEqual([
      '12345678',
      '12345678',
      'The output limit of 1 MiB per command has been reached: further lines are not stored.',
    ]);
    const stored = store(log, record);
    expect(stored).toMatchObject({ agentSeq: 6, lines: 3, outputTruncated: true });
    log.append(stored, T0, 'stdout', 'x', 7);
    // A batch without lines: the record alone, so that line 7 can be acknowledged.
    expect(peek(log, record)?.lines).toEqual([]);
    expect(store(log, stored)).toMatchObject({ agentSeq: 7, lines: 3 });
    expect(log.isEmpty).toBe(true);
  });

  it('stores notes of the dashboard beyond the limit', () => {
    const log = new OutputLog(2);
    const record = command({ outputTruncated: true });
    log.append(record, T0, 'note', 'The dashboard restarted at this point.', null);
    expect(texts(log)).toEqual(['The dashboard restarted at this point.']);
  });

  it('stores no more than the limit, whatever an agent sends: empty lines, gaps', () => {
    const kinds = fc.constantFrom('empty', 'gap', 'text');
    fc.assert(
      fc.property(fc.array(kinds, { maxLength: 300 }), (sequence) => {
        const limit = 200;
        const log = new OutputLog(limit);
        const record = command();
        let seq = 0;
        for (const kind of sequence) {
          seq += kind === 'gap' ? 10 : 1;
          log.append(record, T0, 'stdout', kind === 'text' ? 'some text' : '', seq);
        }
        const lines = peek(log, command())?.lines ?? [];
        const size = lines.reduce((sum, { text }) => sum + text.length + 1, 0);
        // The mark itself, and the note of a gap before the last stored line.
        expect(size).toBeLessThanOrEqual(limit + 120);
        expect(lines.map(({ seq: number }) => number)).toEqual(lines.map((_line, index) => index + 1));
      }),
    );
  });

  it('bounds memory while the database refuses, and marks dropped lines afterwards', () => {
    const log = new OutputLog(1e9);
    const record = command();
    const megabyte = 'x'.repeat(1024 * 1024);
    const room = Math.ceil((4 * MAX_PENDING_CHARACTERS) / megabyte.length);
    for (let count = 0; count < room + 5; count += 1) log.append(record, T0, 'stdout', megabyte, null);
    expect(log.isFull).toBe(true);
    const kept = peek(log, command())?.lines.length ?? 0;
    expect(kept).toBeLessThanOrEqual(room);
    const stored = store(log, record);
    expect(log.isFull).toBe(false);
    log.append(stored, T0, 'stdout', 'back', null);
    expect(texts(log)).toEqual([`${room + 5 - kept} lines are missing here.`, 'back']);
    expect(peek(log, command())?.lines[0]?.seq).toBe(kept + 1);
    log.append(stored, T0, 'stdout', 'on', null);
    expect(texts(log)).toHaveLength(3);
  });

  it('reports lines that were dropped last at the end of their command, once, also when that is refused first', () => {
    const log = new OutputLog(1e9);
    const record = command();
    const megabyte = 'x'.repeat(1024 * 1024);
    for (let count = 0; count < 40; count += 1) log.append(record, T0, 'stdout', megabyte, null);
    const stored = store(log, record);
    const dropped = 40 - stored.lines;
    expect(log.take(stored, [])).toBeNull();
    for (const isRefused of [true, false]) {
      const sent = log.take(stored, [], T0 + 1);
      const note = { seq: stored.lines + 1, at: T0 + 1, stream: 'note', text: `${dropped} lines are missing here.` };
      expect(sent?.lines).toEqual([note]);
      if (sent && isRefused) log.putBack(sent);
      else if (sent) log.stored(sent);
    }
    expect(log.take(stored, [], T0 + 2)).toBeNull();
  });

  it('does not count a numbered line without room as received', () => {
    const log = new OutputLog(1e9);
    const record = command();
    const megabyte = 'x'.repeat(1024 * 1024);
    for (let seq = 1; seq <= 40; seq += 1) log.append(record, T0, 'stdout', megabyte, seq);
    const { agentSeq, lines } = peek(log, record)?.counts ?? record;
    expect(agentSeq).toBe(lines);
    expect(agentSeq).toBeLessThan(40);
    const stored = store(log, record);
    log.append(stored, T0, 'stdout', 'next', 41);
    expect(texts(log)).toEqual([`${40 - agentSeq} lines are missing here.`, 'next']);
  });

  it('is full when it should be flushed at once', () => {
    const log = new OutputLog(1e9);
    log.append(command(), T0, 'stdout', 'x'.repeat(MAX_PENDING_CHARACTERS - 2), null);
    expect(log.isFull).toBe(false);
    log.append(command(), T0, 'stdout', '', null);
    expect(log.isFull).toBe(true);
  });

  it('is also full at a maximum number of lines, and bounds them while the database refuses writes', () => {
    const log = new OutputLog(1e9);
    const record = command();
    for (let count = 1; count < MAX_PENDING_LINES; count += 1) log.append(record, T0, 'stdout', '', null);
    expect(log.isFull).toBe(false);
    log.append(record, T0, 'stdout', '', null);
    expect(log.isFull).toBe(true);
    for (let count = 0; count < 100 * MAX_PENDING_LINES; count += 1) log.append(record, T0, 'stdout', '', null);
    expect(peek(log, command())?.lines).toHaveLength(64 * MAX_PENDING_LINES);
    store(log, record);
    expect(log.isFull).toBe(false);
  });
});
