import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHAIN_START, eventHash, verifyChain, type ChainedEvent } from './event-chain';
import { toChainedEvent, toOldRow } from './rows';
import { testEvent, testEventOf } from './testing/sample-records';

type Row = ChainedEvent & { prevHash: string; hash: string };

/** Rows of both encodings in turn, the first one with a sentence. */
function chainOf(texts: readonly string[]): Row[] {
  let prevHash = CHAIN_START.hash;
  return texts.map((text, index) => {
    const toRow = index % 2 === 0 ? toOldRow : toChainedEvent;
    const event = toRow(index + 1, testEvent(text));
    const row = { ...event, prevHash, hash: eventHash(prevHash, event) };
    prevHash = row.hash;
    return row;
  });
}

describe('the chain of events', () => {
  const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
  const START = '0'.repeat(64);

  it('uses the documented encoding of version 1, with a sentence', () => {
    const event = toOldRow(1, testEvent('ä "quoted"'));
    const text =
      `[1,"${START}",1,4000,"system","error","backup.failed","dashboard","dashboard",null,"",null,"",null,"failed",` +
      '"The backup failed: ä \\"quoted\\"","{\\"reason\\":\\"ä \\\\\\"quoted\\\\\\"\\"}"]';
    expect(eventHash(CHAIN_START.hash, event)).toBe(sha256(text));
  });

  it('uses the documented encoding of version 2, with parameters only', () => {
    const event = toChainedEvent(1, testEvent('ä'));
    const text =
      `[2,"${START}",1,4000,"system","error","backup.failed","dashboard","dashboard",null,"",null,"",null,"failed",` +
      '"{\\"reason\\":\\"ä\\"}"]';
    expect(eventHash(CHAIN_START.hash, event)).toBe(sha256(text));
    expect(event.message).toBe('');
  });

  it('uses the documented encoding of version 3, with the name of the chain', () => {
    const event = toChainedEvent(1, testEventOf('agent', 'ä'));
    const text =
      `[3,"peers","${START}",1,4000,"agent","warning","agent.fault","dashboard","dashboard",null,"",null,"",null,"",` +
      '"{\\"fault\\":\\"unreadable\\",\\"problem\\":\\"ä\\"}"]';
    expect(eventHash(CHAIN_START.hash, event)).toBe(sha256(text));
  });

  it('verifies as written, as a whole and page by page', () => {
    const rows = chainOf(['a', 'b', 'c', 'd']);
    const first = verifyChain(rows.slice(0, 2));
    expect(first).toMatchObject({ kind: 'intact', last: { id: 2, heads: { main: { id: 2, hash: rows[1]!.hash } } } });
    if (first.kind === 'intact') expect(verifyChain(rows.slice(2), first.last)).toMatchObject({ kind: 'intact' });
  });

  it('reports any single changed field at its row', () => {
    const fields = Object.keys(chainOf(['a'])[0]!) as (keyof Row)[];
    fc.assert(
      fc.property(fc.nat(5), fc.constantFrom(...fields), fc.constantFrom(1, 7), (index, field, change) => {
        const rows = chainOf(['a', 'b', 'c', 'd', 'e', 'f']);
        const row = rows[index]!;
        const value = row[field];
        rows[index] = { ...row, [field]: typeof value === 'number' ? value + change : `${value ?? ''}x` };
        const verdict = verifyChain(rows);
        expect(verdict).toMatchObject({ kind: 'broken', id: index + 1 });
      }),
    );
  });

  it('reports a deleted row and a row out of order', () => {
    const rows = chainOf(['a', 'b', 'c', 'd']);
    expect(verifyChain(rows.filter(({ id }) => id !== 3))).toMatchObject({ kind: 'broken', id: 3 });
    expect(verifyChain(rows.slice(1))).toMatchObject({ kind: 'broken', id: 1 });
    const [a, b, c, d] = [rows[0]!, rows[1]!, rows[2]!, rows[3]!];
    expect(verifyChain([a, c, b, d])).toMatchObject({ kind: 'broken' });
    // The contents are swapped, the ids stay.
    expect(verifyChain([a, { ...c, id: 2 }, { ...b, id: 3 }, d])).toMatchObject({ kind: 'broken', id: 2 });
  });
});
