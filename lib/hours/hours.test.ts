import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MINUTES, isOpen, isZone, minutesOf, nextOpening, WEEK_DAYS, type Hours } from './hours';
import { momentText, windowText } from './hours-text';

const at = (time: string) => Date.parse(time);
const berlin = (from: string, to: string, ...days: Hours['windows'][number]['days']): Hours => ({
  zone: 'Europe/Berlin',
  windows: [{ days: days.length === 0 ? WEEK_DAYS : days, from: minutesOf(from) ?? -1, to: minutesOf(to) ?? -1 }],
});

describe('hours', () => {
  it('are open from the first minute of a window to the last before its end', () => {
    const hours = berlin('09:00', '17:00', 'mon');
    // 30 November 2026 is a Monday; Berlin is one hour ahead of UTC in winter.
    expect(isOpen(hours, at('2026-11-30T07:59:59.999Z'))).toBe(false);
    expect(isOpen(hours, at('2026-11-30T08:00:00Z'))).toBe(true);
    expect(isOpen(hours, at('2026-11-30T15:59:59.999Z'))).toBe(true);
    expect(isOpen(hours, at('2026-11-30T16:00:00Z'))).toBe(false);
    expect(isOpen(hours, at('2026-12-01T10:00:00Z'))).toBe(false);
    expect(nextOpening(hours, at('2026-11-30T16:00:00Z'))).toBe(at('2026-12-07T08:00:00Z'));
  });

  it('go over midnight, and the named day is the one on which they begin', () => {
    const hours = berlin('22:00', '04:00', 'sun');
    expect(isOpen(hours, at('2026-11-29T20:59:00Z'))).toBe(false);
    expect(isOpen(hours, at('2026-11-29T21:00:00Z'))).toBe(true);
    expect(isOpen(hours, at('2026-11-30T02:59:00Z'))).toBe(true);
    expect(isOpen(hours, at('2026-11-30T03:00:00Z'))).toBe(false);
    // The night before a Sunday begins on a Saturday.
    expect(isOpen(hours, at('2026-11-29T01:00:00Z'))).toBe(false);
  });

  it('that end at midnight, as 00:00 or as 24:00, are open up to it', () => {
    for (const to of ['00:00', '24:00']) {
      const hours = berlin('20:00', to, 'mon');
      expect(isOpen(hours, at('2026-11-30T22:59:00Z'))).toBe(true);
      expect(isOpen(hours, at('2026-11-30T23:00:00Z'))).toBe(false);
    }
  });

  it('within the hour that is skipped in spring stay closed that day; longer windows open when it ends', () => {
    // On 28 March 2027 the clock in Berlin goes from 02:00 to 03:00, at 01:00 UTC.
    const inside = berlin('02:10', '02:50');
    expect(nextOpening(inside, at('2027-03-28T00:00:00Z'))).toBe(at('2027-03-29T00:10:00Z'));
    const longer = berlin('02:30', '03:30');
    expect(nextOpening(longer, at('2027-03-28T00:00:00Z'))).toBe(at('2027-03-28T01:00:00Z'));
    expect(isOpen(longer, at('2027-03-28T00:59:59Z'))).toBe(false);
  });

  it('in the hour that autumn repeats are open both times', () => {
    // On 25 October 2026 the clock in Berlin goes from 03:00 back to 02:00, at 01:00 UTC.
    const hours = berlin('02:15', '02:45');
    expect(isOpen(hours, at('2026-10-25T00:20:00Z'))).toBe(true);
    expect(isOpen(hours, at('2026-10-25T00:50:00Z'))).toBe(false);
    expect(isOpen(hours, at('2026-10-25T01:20:00Z'))).toBe(true);
    expect(nextOpening(hours, at('2026-10-25T00:50:00Z'))).toBe(at('2026-10-25T01:15:00Z'));
    // Open again because the clock went back, in the middle of a window.
    expect(nextOpening(berlin('01:30', '02:15'), at('2026-10-25T00:30:00Z'))).toBe(at('2026-10-25T01:00:00Z'));
  });

  it('hold by the clock of their zone', () => {
    const window = { days: WEEK_DAYS, from: 540, to: 600 };
    const moment = at('2026-06-01T00:30:00Z');
    expect(isOpen({ zone: 'Asia/Tokyo', windows: [window] }, moment)).toBe(true);
    expect(isOpen({ zone: 'America/New_York', windows: [window] }, moment)).toBe(false);
    expect([isZone('Europe/Berlin'), isZone('UTC'), isZone('Europe/Nowhere'), isZone('')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('open next at the first moment at which they are open, in every zone and season', () => {
    const window = fc
      .record({
        days: fc.subarray([...WEEK_DAYS], { minLength: 1 }),
        from: fc.nat(DAY_MINUTES - 1),
        to: fc.nat(DAY_MINUTES),
      })
      .filter(({ from, to }) => from !== to);
    const hours = fc.record({
      zone: fc.constantFrom('Europe/Berlin', 'UTC', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
      windows: fc.array(window, { minLength: 1, maxLength: 3 }),
    });
    // Around changes of the clock, and at any other time.
    const moment = fc.oneof(
      fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') }),
      fc.integer({ min: at('2026-10-24T12:00:00Z'), max: at('2026-10-26T00:00:00Z') }),
      fc.integer({ min: at('2027-03-27T12:00:00Z'), max: at('2027-03-29T00:00:00Z') }),
    );
    fc.assert(
      fc.property(
        hours,
        moment,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }),
        (h, t, shares) => {
          const next = nextOpening(h, t);
          if (isOpen(h, t)) expect(next).toBe(t);
          if (next === null) return;
          expect(next).toBeGreaterThanOrEqual(t);
          expect(isOpen(h, next)).toBe(true);
          for (const share of shares) {
            const between = Math.floor(t + (next - t) * share);
            if (between < next) expect(isOpen(h, between)).toBe(false);
          }
          if (next > t) expect(isOpen(h, next - 1)).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads times of a day, and nothing else', () => {
    expect(['00:00', '09:30', '23:59', '24:00'].map(minutesOf)).toEqual([0, 570, 1439, 1440]);
    for (const wrong of ['24:01', '25:00', '9:30', '09:60', '', '0930', '09:30:00', ' 09:30'])
      expect(minutesOf(wrong), wrong).toBeNull();
  });

  it('says windows and moments as people write them', () => {
    expect(windowText({ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: 1320, to: 240 })).toBe('Mon–Fri 22:00–04:00');
    expect(windowText({ days: ['sat', 'sun', 'wed'], from: 0, to: 1440 })).toBe('Wed, Sat, Sun 00:00–24:00');
    expect(windowText({ days: WEEK_DAYS, from: 60, to: 120 })).toBe('every day 01:00–02:00');
    expect(momentText(at('2026-11-29T21:00:00Z'), 'Europe/Berlin')).toBe('Sun 29 Nov, 22:00 (Europe/Berlin)');
  });
});
