import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FleetCopy } from './fleet-copy';
import { LIVE_TIMES, LiveClient, type SocketHandlers } from './live-client';
import { OutputChannel } from './output-channel';
import { aFleet } from './testing/views';

const BEAT_MS = 2_000;
const HOUR_MS = 3_600_000;

/** Time that passed without the page running: its timers are late by it. */
let heldMs: number;
let links: SocketHandlers[];
let sent: string[];
let client: LiveClient;
let store: FleetCopy;
/** Every state of the connection, in order. */
let states: string[];

beforeEach(() => {
  heldMs = 0;
  links = [];
  sent = [];
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  vi.spyOn(performance, 'now').mockImplementation(() => Date.now() + heldMs);
  store = new FleetCopy(aFleet({ version: 7, hosts: [] }));
  states = [];
  store.subscribe(() => {
    const { kind } = store.get().connection;
    if (states.at(-1) !== kind) states.push(kind);
  });
  client = new LiveClient('build-1', store, new OutputChannel(), {
    connect(handlers) {
      links.push(handlers);
      return { send: (data) => sent.push(data), close: () => undefined };
    },
    random: () => 0.5,
    serverTime: () => undefined,
    signedIn: () => Promise.resolve(true),
    times: LIVE_TIMES,
  });
  client.start();
});

afterEach(() => {
  client.stop();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function greet(beatMs: number | undefined = BEAT_MS): void {
  const link = links.at(-1);
  link?.open();
  link?.message(JSON.stringify({ t: 'hello', buildId: 'build-1', serverTime: 1, demo: false, beatMs }));
}

const beat = () => links.at(-1)?.message('{"t":"beat"}');
const kind = () => store.get().connection.kind;
const message = (content: object) => links.at(-1)?.message(JSON.stringify(content));

/** Lets time pass while the dashboard sends its beats. */
function beatFor(ms: number): void {
  for (let passedMs = 0; passedMs < ms; passedMs += 500) {
    vi.advanceTimersByTime(500);
    beat();
  }
}

/** The time until the connection is given up, from now, in steps of 100 ms. */
function givenUpAfter(): number {
  const from = Date.now();
  while (kind() !== 'reconnecting' && Date.now() - from < 60_000) vi.advanceTimersByTime(100);
  return Date.now() - from;
}

describe('a connection that ended without a close', () => {
  it('is not shown as live after 4 s, and is replaced when it answers no ping', () => {
    greet();
    for (let count = 0; count < 10; count += 1) {
      vi.advanceTimersByTime(BEAT_MS);
      beat();
    }
    expect(states).toEqual(['live']);
    sent = [];
    vi.advanceTimersByTime(4_000);
    expect(kind()).toBe('checking');
    expect(sent).toEqual(['{"t":"ping"}']);
    vi.advanceTimersByTime(LIVE_TIMES.probeMs);
    expect(kind()).toBe('reconnecting');
    vi.advanceTimersByTime(LIVE_TIMES.backOffMs);
    expect(links).toHaveLength(2);
    greet();
    expect(states).toEqual(['live', 'checking', 'reconnecting', 'live']);
  });

  it('is live again when something arrives after all', () => {
    greet();
    vi.advanceTimersByTime(5_000);
    expect(kind()).toBe('checking');
    beat();
    expect(kind()).toBe('live');
    for (let count = 0; count < 10; count += 1) {
      vi.advanceTimersByTime(BEAT_MS);
      beat();
    }
    expect(states).toEqual(['live', 'checking', 'live']);
    expect(links).toHaveLength(1);
  });

  it.each([500, 1_000, 2_000, 3_000, 5_000, 10_000])(
    'is given up after 9 s when its last message came %i ms before a regular ping',
    (beforePingMs) => {
      greet();
      beatFor(LIVE_TIMES.pingEveryMs - beforePingMs);
      expect(givenUpAfter()).toBe(LIVE_TIMES.missedBeats * BEAT_MS + LIVE_TIMES.probeMs);
    },
  );

  it('is given up at the end of the first probe, however often it is checked', () => {
    greet();
    beatFor(1_000);
    vi.advanceTimersByTime(LIVE_TIMES.missedBeats * BEAT_MS);
    expect(kind()).toBe('checking');
    for (let nudged = 0; nudged < 4; nudged += 1) {
      vi.advanceTimersByTime(LIVE_TIMES.probeMs / 5);
      client.nudge();
    }
    vi.advanceTimersByTime(LIVE_TIMES.probeMs / 5);
    expect(kind()).toBe('reconnecting');
  });

  it('is given up after a probe when the tab or the network comes back after a regular ping', () => {
    greet();
    beatFor(LIVE_TIMES.pingEveryMs - 500);
    vi.advanceTimersByTime(1_000);
    client.nudge();
    expect(givenUpAfter()).toBe(LIVE_TIMES.probeMs);
  });

  it('is checked at once when the tab or the network comes back', () => {
    greet();
    heldMs = HOUR_MS;
    client.nudge();
    expect(kind()).toBe('checking');
  });
});

describe('a connection to a dashboard that sends no beats', () => {
  it('stays live between pings', () => {
    const link = links.at(-1);
    link?.open();
    link?.message(JSON.stringify({ t: 'hello', buildId: 'build-1', serverTime: 1, demo: false }));
    vi.advanceTimersByTime(LIVE_TIMES.pingEveryMs);
    expect(states).toEqual(['live']);
  });
});

describe('a page that did not run for an hour', () => {
  it('reads what has arrived before it calls the connection silent', () => {
    greet();
    vi.advanceTimersByTime(1_000);
    heldMs = HOUR_MS;
    vi.advanceTimersByTime(3_000);
    beat();
    vi.advanceTimersByTime(BEAT_MS);
    expect(states).toEqual(['live']);
  });

  it('checks a dead connection and reconnects once', () => {
    greet();
    beat();
    heldMs = HOUR_MS;
    vi.advanceTimersByTime(5_000);
    expect(kind()).toBe('checking');
    vi.advanceTimersByTime(LIVE_TIMES.probeMs + LIVE_TIMES.backOffMs);
    greet();
    for (let count = 0; count < 30; count += 1) {
      vi.advanceTimersByTime(BEAT_MS);
      beat();
    }
    expect(states).toEqual(['live', 'checking', 'reconnecting', 'live']);
    expect(links).toHaveLength(2);
  });

  it('stays live when all timers of a tab in the background are late', () => {
    greet();
    for (let minute = 0; minute < 10; minute += 1) {
      for (let count = 0; count < 30; count += 1) {
        heldMs += BEAT_MS;
        beat();
      }
      vi.advanceTimersToNextTimer();
    }
    expect(states).toEqual(['live']);
  });
});

describe('a page in the background', () => {
  const changes = (from: number, version = from + 1) => message({ t: 'changes', from, version, notices: [] });
  const snapshot = (version: number) => message({ t: 'snapshot', fleet: aFleet({ version, hosts: [] }) });
  const HELLO = '{"t":"hello","epoch":"epoch-1","version":7}';
  const RESYNC = '{"t":"resync"}';

  /** The page is seen again, after it ignored two changes. */
  function comeBack(): void {
    client.setHidden(true);
    changes(7);
    changes(8);
    expect(store.get().fleet.version).toBe(7);
    expect(sent).toEqual([]);
    client.setHidden(false);
    expect(sent).toEqual([HELLO]);
    expect(kind()).toBe('checking');
  }

  beforeEach(() => {
    greet();
    sent = [];
  });

  it('ignores changes, and requests what it missed when it is seen again', () => {
    comeBack();
    // Sent before the request arrived.
    changes(9);
    beat();
    expect(kind()).toBe('checking');
    expect(store.get().fleet.version).toBe(7);
    changes(7, 10);
    changes(10);
    expect(store.get().fleet.version).toBe(11);
    expect(states).toEqual(['live', 'checking', 'live']);
    expect(sent).toEqual([HELLO]);
  });

  it('accepts a snapshot when the dashboard no longer has what it missed', () => {
    comeBack();
    changes(9);
    snapshot(10);
    changes(10);
    expect(store.get().fleet.version).toBe(11);
    expect(states).toEqual(['live', 'checking', 'live']);
    expect(sent).toEqual([HELLO]);
  });

  it('waits for the snapshot that it has requested already', () => {
    changes(9);
    expect(sent).toEqual([RESYNC]);
    client.setHidden(true);
    changes(10);
    client.setHidden(false);
    expect(sent).toEqual([RESYNC]);
    snapshot(11);
    changes(11);
    expect(store.get().fleet.version).toBe(12);
    expect(kind()).toBe('live');
  });

  it('requests what it missed again when it was hidden before the answer', () => {
    comeBack();
    client.setHidden(true);
    changes(7, 10);
    client.setHidden(false);
    expect(sent).toEqual([HELLO, HELLO]);
    changes(7, 10);
    expect(store.get().fleet.version).toBe(10);
    expect(kind()).toBe('live');
  });

  it('requests a snapshot when one arrived that nobody saw, because the events before it are missing', () => {
    client.setHidden(true);
    snapshot(9);
    expect(store.get().fleet.version).toBe(9);
    client.setHidden(false);
    expect(sent).toEqual([RESYNC]);
    expect(kind()).toBe('checking');
    snapshot(9);
    expect(states).toEqual(['live', 'checking', 'live']);
  });

  it('requests nothing when nothing was ignored', () => {
    client.setHidden(true);
    beat();
    client.setHidden(false);
    expect(sent).toEqual([]);
    expect(states).toEqual(['live']);
  });
});

describe('a state of the fleet that takes long to arrive', () => {
  const SLOW_MS = 20_000;
  const arrive = () => message({ t: 'snapshot', fleet: aFleet({ version: 20, hosts: [] }) });

  it('is waited for after the greeting', () => {
    greet();
    vi.advanceTimersByTime(SLOW_MS);
    arrive();
    expect(states).toEqual(['live', 'checking', 'live']);
    expect(links).toHaveLength(1);
  });

  it('is waited for after a gap', () => {
    greet();
    message({ t: 'changes', from: 9, version: 10 });
    vi.advanceTimersByTime(SLOW_MS);
    arrive();
    expect(states).toEqual(['live', 'checking', 'live']);
    expect(links).toHaveLength(1);
  });

  it('is waited for when the page is seen again', () => {
    greet();
    client.setHidden(true);
    message({ t: 'changes', from: 7, version: 8 });
    client.setHidden(false);
    client.nudge();
    vi.advanceTimersByTime(SLOW_MS);
    arrive();
    expect(states).toEqual(['live', 'checking', 'live']);
    expect(links).toHaveLength(1);
  });

  it('is requested on another connection after half a minute', () => {
    greet();
    message({ t: 'changes', from: 9, version: 10 });
    expect(givenUpAfter()).toBe(LIVE_TIMES.missedBeats * BEAT_MS + LIVE_TIMES.silenceMs);
  });
});
