import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ANNOUNCED_AFTER_MS, ConnectionAnnouncer } from './connection-announcer';

let announced: string[];
let announcer: ConnectionAnnouncer;
beforeEach(() => {
  vi.useFakeTimers();
  announced = [];
  announcer = new ConnectionAnnouncer({
    after: (ms, call) => {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    announce: (text) => announced.push(text),
  });
});
afterEach(() => vi.useRealTimers());

const lasts = (ms = ANNOUNCED_AFTER_MS) => vi.advanceTimersByTime(ms);

describe('the announcement of the connection', () => {
  it('does not mention the first connection of a page', () => {
    announcer.changed('connecting');
    lasts(ANNOUNCED_AFTER_MS - 1);
    announcer.changed('live');
    lasts(60_000);
    expect(announced).toEqual([]);
  });

  it('says once that the connection is being checked, when that has lasted', () => {
    announcer.changed('live');
    announcer.changed('checking');
    lasts(ANNOUNCED_AFTER_MS - 1);
    expect(announced).toEqual([]);
    lasts(1);
    announcer.changed('checking');
    lasts(60_000);
    expect(announced).toEqual(['Checking the connection.']);
    announcer.changed('live');
    lasts();
    expect(announced).toEqual(['Checking the connection.', 'Connected again.']);
  });

  it('says nothing when the connection recovers within the wait, however often', () => {
    for (let round = 0; round < 5; round += 1) {
      announcer.changed('checking');
      lasts(ANNOUNCED_AFTER_MS - 1);
      announcer.changed('live');
      lasts(ANNOUNCED_AFTER_MS - 1);
    }
    expect(announced).toEqual([]);
  });

  it('announces a loss once for all attempts to reconnect', () => {
    announcer.changed('reconnecting');
    lasts(ANNOUNCED_AFTER_MS - 1);
    announcer.changed('reconnecting');
    lasts(1);
    announcer.changed('reconnecting');
    lasts(60_000);
    expect(announced).toEqual(['The connection was lost. Reconnecting.']);
  });

  it('stops with the page', () => {
    announcer.changed('signed-out');
    announcer.stop();
    lasts(60_000);
    expect(announced).toEqual([]);
  });
});
