import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newCommandId } from './ids';

const ones = (size: number) => new Uint8Array(size).fill(0xff);
const zeros = (size: number) => new Uint8Array(size);

describe('newCommandId (RFC 9562 §5.7)', () => {
  it('is a version 7 UUID with the time in its first 48 bits', () => {
    expect(newCommandId(() => 0x017f_22e2_79b0, zeros)()).toBe('017f22e2-79b0-7000-8000-000000000000');
    expect(newCommandId(() => 0x017f_22e2_79b0, ones)()).toBe('017f22e2-79b0-7fff-bfff-ffffffffffff');
  });

  it('sorts by creation time, whatever the random bits', () => {
    const time = fc.nat({ max: 2 ** 47 });
    fc.assert(
      fc.property(time, time, (a, b) => {
        fc.pre(a < b);
        expect(newCommandId(() => a, ones)() < newCommandId(() => b, zeros)()).toBe(true);
      }),
    );
  });

  it('differs within one millisecond, and is a valid id on the wire', () => {
    const next = newCommandId(() => 1_800_000_000_000, randomBytes);
    const ids = Array.from({ length: 1_000 }, next);
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(/^[0-9A-Za-z-]{1,64}$/);
  });
});
