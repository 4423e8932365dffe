/** The fleet on a real database with a clock and links that a test drives. */
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { openTestDatabase } from '@/lib/store/sqlite/testing/database';
import type { ServerFrame } from '@/lib/protocol/agent';
import { NO_FLAKE_UPDATES } from '@/lib/protocol/flake-updates';
import type { EventView, OutputLine, ServiceNotice } from '@/lib/protocol/live';
import { NO_DESIRED_STATE, type DesiredSource, type DesiredState, type HostRelation } from '../hosts/desired';
import type { FlakeUpdates, FlakeUpdatesState, MergeResult } from '../records/flake-update-port';
import { FleetService } from '../service';
import type { AgentIdentity, AgentLink, AgentPolicy } from '../records/agent-port';
import type { Clock, LoopTime } from '../records/environment';
import type { Publisher } from '../records/publisher';
import type { Requester } from '../records/requests';
import type { DashboardExecutors } from '../records/executor-port';

export class GivenClock implements Clock {
  private time = 1_800_000_000_000;
  /** How much of it went by while the loop was held, or because somebody set the clock. */
  private apartMs = 0;
  private timers: { at: number; callback: () => void; inLoop: boolean }[] = [];
  /** What has arrived and lies unread: read before anything is judged that waits for that. */
  unread: (() => void)[] = [];

  readonly loop: LoopTime = {
    now: () => this.time - this.apartMs,
    after: (ms, callback) => this.arm(ms, () => this.loop.afterRead(callback), true),
    afterRead: (callback) => {
      for (const read of this.unread.splice(0)) read();
      callback();
      return () => undefined;
    },
  };

  now(): number {
    return this.time;
  }

  after(ms: number, callback: () => void): () => void {
    return this.arm(ms, callback, false);
  }

  /** The event loop is held for so long: nothing is read and nothing is called back. */
  hold(ms: number): void {
    this.time += ms;
    this.apartMs += ms;
    for (const timer of this.timers) if (timer.inLoop) timer.at += ms;
  }

  /** Somebody sets the wall clock; no timer runs by it. */
  step(ms: number): void {
    this.time += ms;
    this.apartMs += ms;
    for (const timer of this.timers) timer.at += ms;
  }

  private arm(ms: number, callback: () => void, inLoop: boolean): () => void {
    const timer = { at: this.time + ms, callback, inLoop };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** The process that set the timers is gone, and they with it. */
  forget(): void {
    this.timers = [];
  }

  /** Lets time pass; timers fire in order, each at its time. */
  advance(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
    }
    this.time = until;
  }
}

export class GivenLink implements AgentLink {
  readonly frames: ServerFrame[] = [];
  pings = 0;
  /** Whether it answers a ping. */
  isAlive = false;
  closed: { code: number; reason: string } | null = null;

  constructor(
    readonly id: string,
    readonly address: string,
    private readonly loop: LoopTime,
    readonly identity: AgentIdentity = { kind: 'shared' },
  ) {}

  send(frame: ServerFrame): boolean {
    this.frames.push(frame);
    return true;
  }

  probe(ms: number, done: (isAlive: boolean) => void): void {
    this.pings += 1;
    this.loop.after(ms, () => done(this.isAlive));
  }

  /** What has arrived is passed on at once. */
  finish(): void {}

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  /** Commands that were put on the wire, by name. */
  commands(): string[] {
    return this.frames.flatMap((frame) =>
      frame.type === 'command' ? [frame.payload.command] : frame.type === 'kill_command' ? ['kill_command'] : [],
    );
  }
}

/** Tokens and rules of admission that a test sets. */
export class GivenPolicy implements AgentPolicy {
  readonly ended = new Set<string>();
  readonly owners = new Set<string>();
  readonly refused = new Set<string>();
  sharedIsGood = true;
  waits = false;
  /** The database can't be read. */
  fails = false;

  holds(identity: AgentIdentity): boolean {
    return identity.kind === 'shared' ? this.sharedIsGood : !this.ended.has(identity.tokenId);
  }

  hasOwnToken(hostId: string): boolean {
    if (this.fails) throw new Error('the database can not be read');
    return this.owners.has(hostId);
  }

  newHostsWait(): boolean {
    return this.waits;
  }

  isRefused(name: string): boolean {
    return this.refused.has(name);
  }
}

export class GivenDesired implements DesiredSource {
  state: DesiredState = NO_DESIRED_STATE;
  readonly relations = new Map<string, HostRelation>();

  relate(generation: string): HostRelation {
    return this.relations.get(generation) ?? { relation: 'unknown', commits: null };
  }

  refreshed = 0;

  subscribe(): () => void {
    return () => undefined;
  }

  refresh(): Promise<void> {
    this.refreshed += 1;
    return Promise.resolve();
  }
}

/** A forge that answers a merge when the test says so. */
export class GivenFlakeUpdates implements FlakeUpdates {
  state: FlakeUpdatesState = { ...NO_FLAKE_UPDATES, source: 'github' };
  /** The numbers and commits that a merge was asked for. */
  readonly asked: string[] = [];
  private answers: ((result: MergeResult) => void)[] = [];

  subscribe(): () => void {
    return () => undefined;
  }

  refresh(): Promise<void> {
    return Promise.resolve();
  }

  merge(number: number, _by: Requester, seen: string | null = null): Promise<MergeResult> {
    this.asked.push(`${number} ${seen ?? 'unseen'}`);
    return new Promise((resolve) => this.answers.push(resolve));
  }

  /** Nobody waits for an answer any more. */
  forget(): void {
    this.answers = [];
  }

  /** Answers everything that was asked, and lets what waits for it go on. */
  async answer(result: MergeResult): Promise<void> {
    for (const answer of this.answers.splice(0)) answer(result);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export const BY = { userId: 'operator', userName: 'operator', address: '192.0.2.7' };
/** A heartbeat that shows nothing. */
export const QUIET = { generation: 'aaaaaaa', pending_command: null, update_status: null };

export function openBench({ groupMs = 0 } = {}) {
  const database = openTestDatabase();
  const clock = new GivenClock();
  const desired = new GivenDesired();
  const policy = new GivenPolicy();
  const output: OutputLine[] = [];
  const done: string[] = [];
  const events: EventView[] = [];
  const notices: ServiceNotice[][] = [];
  const removed: string[] = [];
  const executors: DashboardExecutors = {};
  const flakeUpdates = new GivenFlakeUpdates();
  let links = 0;
  let ids = 0;
  const publisher: Publisher = {
    hosts: (_patches, gone) => removed.push(...gone),
    other: (change) => {
      events.push(...(change.events ?? []));
      if (change.notices) notices.push(change.notices);
    },
    output: (_id, lines) => output.push(...lines),
    outputDone: (id) => done.push(id),
  };
  const store = createFleetStore(database.db, { log: database.log });
  const open = () => {
    const fleet = new FleetService({
      store,
      clock,
      loop: clock.loop,
      publisher,
      desired,
      agents: policy,
      log: database.log,
      version: '4.0.0',
      epoch: 'epoch',
      newId: () => `command-${++ids}`,
      outputLimit: 1_000_000,
      groupMs,
      executors,
      flakeUpdates,
    });
    fleet.start();
    return fleet;
  };
  const bench = {
    database,
    store,
    clock,
    desired,
    policy,
    output,
    done,
    events,
    notices,
    removed,
    flakeUpdates,
    executors,
    fleet: open(),
    /** As after `kill -9`: what was not stored is gone, and nobody said goodbye. */
    crash() {
      clock.forget();
      flakeUpdates.forget();
      bench.fleet = open();
    },
    connect(address = '198.51.100.1', identity?: AgentIdentity): GivenLink {
      const link = new GivenLink(`link-${++links}`, address, clock.loop, identity);
      bench.fleet.inbox.connected(link);
      return link;
    },
    /** An agent that registered and sent a first heartbeat. */
    agent(hostname: string, register: Record<string, unknown> = {}): GivenLink {
      const link = bench.connect();
      bench.say(link, 'register', { hostname, generation: 'aaaaaaa', ...register });
      return link;
    },
    say(link: GivenLink, type: string, payload: unknown) {
      bench.fleet.inbox.frame(link, JSON.stringify({ type, payload }));
    },
    dispatch(operation: Parameters<FleetService['dispatch']>[0]['operation'], hostId = 'h1', force = false): string {
      const [result] = bench.fleet.dispatch({
        operation,
        hostIds: [hostId],
        requestId: `request-${++ids}`,
        force,
        stepUp: true,
        by: BY,
      });
      if (result?.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`);
      return result.commandId;
    },
    close() {
      bench.fleet.stop();
      database.close();
    },
  };
  return bench;
}

export type Bench = ReturnType<typeof openBench>;
