/**
 * A browser's connection to `/live`: sends the version of the page, applies changes, requests a snapshot after a gap, and
 * reconnects automatically. No framework and no globals: socket, clock and randomness are passed in.
 */
import type { FleetCopy } from './fleet-copy';
import type { OutputChannel } from './output-channel';
import { CHANGES_START, parseServerMessage } from './server-message';
import { afterUnlessSuspended, SilenceWatch } from './silence';
import { LIVE_CLOSE } from '@/lib/protocol/live/close-codes';
import type { LiveServerMessage } from '@/lib/protocol/live/to-browser';
import type { LiveClientMessage } from '@/lib/protocol/live/from-browser';

export interface SocketHandlers {
  open(): void;
  message(data: string): void;
  close(code: number): void;
}

export interface LiveSocket {
  send(data: string): void;
  close(): void;
}

export interface LiveTimes {
  /** Interval between pings. */
  pingEveryMs: number;
  /** The connection is dropped when nothing arrives for this long after a ping. */
  silenceMs: number;
  /**
   * The same when a socket may be dead without being closed: after silence, or when the network or the tab came back.
   * `silenceMs` while a state of the fleet is awaited.
   */
  probeMs: number;
  /** The connection is checked when nothing arrives for this many beats of the dashboard. */
  missedBeats: number;
  /** A connection without a greeting by then is dropped. */
  openWithinMs: number;
  /** Maximum wait before the first attempt; doubles with each further one. */
  backOffMs: number;
  backOffCapMs: number;
  /** A connection that lasted this long resets the back-off to `backOffMs`. */
  stableMs: number;
}

export const LIVE_TIMES: LiveTimes = {
  pingEveryMs: 20_000,
  silenceMs: 25_000,
  probeMs: 5_000,
  missedBeats: 2,
  openWithinMs: 15_000,
  backOffMs: 1_000,
  backOffCapMs: 30_000,
  stableMs: 60_000,
};

export interface LiveWorld {
  connect(handlers: SocketHandlers): LiveSocket;
  /** From 0 up to 1. */
  random(): number;
  /** Receives the dashboard's time, epoch milliseconds. */
  serverTime(at: number): void;
  /** Whether this browser is still signed in. Used when a socket is refused, because a refusal gives no reason. */
  signedIn(): Promise<boolean>;
  times: LiveTimes;
}

interface Link {
  socket: LiveSocket;
  /** When the greeting arrived; null before. */
  liveSince: number | null;
  opened: boolean;
  awaits: AwaitedState;
  /** What nobody saw because the page was hidden: ignored changes, or the events before a snapshot. */
  missed: 'changes' | 'events' | null;
  /** Null before the greeting, and with a dashboard that sends no beats. */
  watch: SilenceWatch | null;
}

/**
 * What the dashboard still has to send. Other messages queue behind a large state, so that silence proves little until it
 * has arrived.
 * - `first`: anything after its greeting.
 * - `catch-up`: the changes since the version of the page, or a snapshot. Other changes are ignored until then.
 * - `snapshot`: the requested snapshot. Changes are ignored until then.
 */
type AwaitedState = 'first' | 'catch-up' | 'snapshot' | null;

type TimerName = 'retry' | 'open' | 'ping' | 'silence';

export class LiveClient {
  private link: Link | null = null;
  private attempts = 0;
  private started = false;
  private isHidden = false;
  /** When the deadline of the pings ends, by the monotonic clock. Means nothing without the timer `silence`. */
  private silenceEndsAt = 0;
  /** Each with the function that cancels it. */
  private readonly timers = new Map<TimerName, () => void>();

  constructor(
    private readonly buildId: string,
    private readonly store: FleetCopy,
    private readonly output: OutputChannel,
    private readonly world: LiveWorld,
  ) {}

  start(): void {
    if (this.started) return;
    this.started = true;
    this.connect();
  }

  stop(): void {
    this.started = false;
    this.dropLink();
    this.clearTimer('retry');
  }

  /** Reconnects now, or checks the connection: for when the network or the tab is back, or on request. */
  nudge(): void {
    if (!this.started) return;
    const { link } = this;
    if (link?.watch && link.watch.silentMs >= link.watch.limitMs) this.check(link);
    else if (link) this.probe(link);
    else if (this.store.get().connection.kind === 'reconnecting') this.connect();
  }

  /**
   * While the tab is in the background, changes are not even parsed. They are requested when it is seen again; until they
   * arrive the connection counts as not live, so that the event list loads what it missed.
   */
  setHidden(isHidden: boolean): void {
    this.isHidden = isHidden;
    const { link } = this;
    if (isHidden || !link?.missed) return;
    const { missed } = link;
    link.missed = null;
    if (this.store.get().connection.kind === 'live') this.store.setConnection({ kind: 'checking' });
    // A snapshot that is still to come replaces everything that was ignored before it.
    if (link.awaits === 'snapshot') return;
    if (missed === 'changes') this.requestCatchUp(link);
    else this.requestSnapshot(link);
  }

  private connect(): void {
    this.clearTimer('retry');
    if (this.store.get().connection.kind === 'reconnecting') {
      this.store.setConnection({ kind: 'reconnecting', retryAt: Date.now() });
    }
    // Late events of a dropped socket are ignored.
    const whileCurrent = (action: (link: Link) => void) => {
      if (this.link === link) action(link);
    };
    const link: Link = {
      socket: this.world.connect({
        open: () => whileCurrent((current) => this.opened(current)),
        message: (data) => whileCurrent((current) => this.receive(current, data)),
        close: (code) => whileCurrent((current) => this.closed(current, code)),
      }),
      liveSince: null,
      opened: false,
      awaits: null,
      missed: null,
      watch: null,
    };
    this.link = link;
    this.setTimer('open', this.world.times.openWithinMs, () => this.lost());
  }

  private opened(link: Link): void {
    link.opened = true;
    this.sendVersion(link);
    this.output.connected((message) => {
      if (this.link === link) this.send(link, message);
    });
  }

  private receive(link: Link, data: string): void {
    this.clearTimer('silence');
    link.watch?.received();
    if (this.isHidden && data.startsWith(CHANGES_START)) {
      link.missed = 'changes';
      return;
    }
    const message = parseServerMessage(data);
    if (!message) return;
    const isBehind = !answers(message, link.awaits, this.store.get().fleet.version);
    if (!isBehind) link.awaits = null;
    if (this.store.get().connection.kind === 'checking' && !isBehind) this.store.setConnection({ kind: 'live' });
    switch (message.t) {
      case 'hello':
        this.clearTimer('open');
        link.liveSince = performance.now();
        link.awaits = 'first';
        this.world.serverTime(message.serverTime);
        this.store.setOutdated(message.buildId !== this.buildId);
        this.store.setConnection({ kind: 'live' });
        this.planPing(link);
        this.watchBeats(link, message.beatMs);
        return;
      case 'snapshot':
        if (this.isHidden) link.missed = 'events';
        this.store.replace(message.fleet);
        return;
      case 'changes':
        if (!isBehind && !this.store.apply(message)) this.requestSnapshot(link);
        return;
      case 'output':
      case 'no-output':
        this.output.receive(message);
        return;
      case 'pong':
        this.world.serverTime(message.serverTime);
        return;
      case 'beat':
        return;
      case 'goodbye':
        // The server closes right after and is back within seconds: reconnect without a long back-off.
        this.attempts = 0;
        return;
    }
  }

  private closed(link: Link, code: number): void {
    if (code === LIVE_CLOSE.SIGNED_OUT) {
      this.signedOut();
      return;
    }
    const refused = !link.opened;
    this.lost();
    if (!refused) return;
    void this.world.signedIn().then((signedIn) => {
      if (!signedIn && this.started && !this.link?.opened) this.signedOut();
    });
  }

  private signedOut(): void {
    this.dropLink();
    this.clearTimer('retry');
    this.store.setConnection({ kind: 'signed-out' });
  }

  private lost(): void {
    const { times } = this.world;
    const liveSince = this.link?.liveSince ?? null;
    this.dropLink();
    if (liveSince !== null && performance.now() - liveSince >= times.stableMs) this.attempts = 0;
    const longest = Math.min(times.backOffCapMs, times.backOffMs * 2 ** Math.min(this.attempts, 20));
    const waitMs = this.world.random() * longest;
    this.attempts += 1;
    this.store.setConnection({ kind: 'reconnecting', retryAt: Date.now() + waitMs });
    this.setTimer('retry', waitMs, () => this.connect());
  }

  private dropLink(): void {
    const link = this.link;
    this.link = null;
    link?.watch?.stop();
    this.output.disconnected();
    this.clearTimer('open');
    this.clearTimer('ping');
    this.clearTimer('silence');
    link?.socket.close();
  }

  /** Notices a connection that ended without a close. `beatMs`: the interval of the dashboard's beats. */
  private watchBeats(link: Link, beatMs: number | undefined): void {
    link.watch?.stop();
    if (beatMs === undefined) return;
    link.watch = new SilenceWatch(beatMs * this.world.times.missedBeats, () => this.check(link));
  }

  /** Nothing arrived for too long: says so, and drops the connection when a ping gets no answer either. */
  private check(link: Link): void {
    if (this.store.get().connection.kind === 'live') this.store.setConnection({ kind: 'checking' });
    this.probe(link);
  }

  /** Pings a connection that may be dead. */
  private probe(link: Link): void {
    const { probeMs, silenceMs } = this.world.times;
    this.ping(link, link.awaits === null ? probeMs : silenceMs);
  }

  /** The dashboard answers with the changes since this version, or with a snapshot. */
  private sendVersion(link: Link): void {
    const { epoch, version } = this.store.get().fleet;
    this.send(link, { t: 'hello', epoch, version });
  }

  private requestCatchUp(link: Link): void {
    link.awaits = 'catch-up';
    this.sendVersion(link);
  }

  private requestSnapshot(link: Link): void {
    link.awaits = 'snapshot';
    this.send(link, { t: 'resync' });
  }

  private planPing(link: Link): void {
    this.setTimer('ping', this.world.times.pingEveryMs, () => {
      this.ping(link, this.world.times.silenceMs);
      this.planPing(link);
    });
  }

  /**
   * Sends a ping. The deadline starts with the ping, not with the last message: timers of a hidden tab are late, and a
   * late timer must not drop a working connection. A further ping may bring the deadline forward, never extend it.
   */
  private ping(link: Link, withinMs: number): void {
    if (link.liveSince === null) return;
    this.send(link, { t: 'ping' });
    const now = performance.now();
    // A deadline that has passed without its timer belongs to a page that did not run.
    const isPending = this.timers.has('silence') && this.silenceEndsAt > now;
    if (isPending && this.silenceEndsAt <= now + withinMs) return;
    this.silenceEndsAt = now + withinMs;
    this.setTimer('silence', withinMs, () => this.lost());
  }

  private send(link: Link, message: LiveClientMessage): void {
    link.socket.send(JSON.stringify(message));
  }

  private setTimer(name: TimerName, ms: number, callback: () => void): void {
    this.clearTimer(name);
    const cancel = afterUnlessSuspended(ms, () => {
      this.timers.delete(name);
      callback();
    });
    this.timers.set(name, cancel);
  }

  private clearTimer(name: TimerName): void {
    this.timers.get(name)?.();
    this.timers.delete(name);
  }
}

/** Whether a message is the awaited one, for a page with this version of the fleet. */
function answers(message: LiveServerMessage, awaits: AwaitedState, version: number): boolean {
  switch (awaits) {
    case 'snapshot':
      return message.t === 'snapshot';
    case 'catch-up':
      return message.t === 'snapshot' || (message.t === 'changes' && message.from === version);
    case 'first':
    case null:
      return true;
  }
}
