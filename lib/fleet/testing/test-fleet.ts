/** The fleet on a real database, with a clock, links and ports that a test drives. */
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { openTestDatabase } from '@/lib/store/sqlite/testing/database';
import type { FlakeUpdates, MergeResult } from '../records/flake-update-port';
import type { FlakeUpdatesView } from '@/lib/protocol/live/views/flake-update-view';
import { answerLater } from '@/lib/store/sqlite/later';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import { eventSentence } from '../events/event-sentence';
import { FleetService } from '../service';
import type { FleetStore } from '../records/store-port';
import type { FleetOptions } from '../turns/fleet-options';
import type { AgentIdentity, AgentLink, AgentPolicy } from '../records/agent-port';
import type { LoopTime } from '../records/environment';
import type { Publisher } from '../records/publisher';
import type { Requester } from '../records/requests';
import type { DashboardExecutors } from '../records/executor-port';
import { TestClock } from './test-clock';
import { TestDesiredSource } from './test-desired';
import type { ServerFrame } from '@/lib/protocol/agent/to-agent';
import { NO_FLAKE_UPDATES } from '@/lib/protocol/live/flake-update-constants';
import type { HostPatch } from '@/lib/protocol/live/changes';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';
import type { ServiceNotice } from '@/lib/protocol/live/views/service-notice';

export class TestLink implements AgentLink {
  readonly frames: ServerFrame[] = [];
  pings = 0;
  /** Whether the agent answers a probe. */
  isAlive = false;
  closed: { code: number; reason: string } | null = null;
  /** How often the fleet asked not to read it. */
  holds = 0;

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

  /** Frames are delivered at once, so nothing is pending. */
  finish(): void {}

  holdUntil(): void {
    this.holds += 1;
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  /** The names of the commands that were sent. */
  commands(): string[] {
    return this.frames.flatMap((frame) =>
      frame.type === 'command' ? [frame.payload.command] : frame.type === 'kill_command' ? ['kill_command'] : [],
    );
  }
}

/** Tokens and admission rules that a test sets. */
export class TestPolicy implements AgentPolicy {
  readonly ended = new Set<string>();
  readonly owners = new Set<string>();
  readonly refused = new Set<string>();
  sharedIsGood = true;
  waits = false;

  isStillValid(identity: AgentIdentity): boolean {
    return identity.kind === 'shared' ? this.sharedIsGood : !this.ended.has(identity.tokenId);
  }

  hasOwnToken(hostId: string): boolean {
    return this.owners.has(hostId);
  }

  newHostsWait(): boolean {
    return this.waits;
  }

  isRefused(name: string): boolean {
    return this.refused.has(name);
  }
}

/** A forge that answers a merge when the test tells it to. */
export class TestFlakeUpdates implements FlakeUpdates {
  state: FlakeUpdatesView = { ...NO_FLAKE_UPDATES, source: 'github' };
  /** The requested merges: number and reviewed commit. */
  readonly requested: string[] = [];
  private answers: ((result: MergeResult) => void)[] = [];

  subscribe(): () => void {
    return () => undefined;
  }

  refresh(): Promise<void> {
    return Promise.resolve();
  }

  merge(number: number, _by: Requester, seen: string | null = null): Promise<MergeResult> {
    this.requested.push(`${number} ${seen ?? 'unseen'}`);
    return new Promise((resolve) => this.answers.push(resolve));
  }

  /** Drops all requests, as a crash of the dashboard does. */
  forget(): void {
    this.answers = [];
  }

  /** Answers all requests and lets their callers continue. */
  async answer(result: MergeResult): Promise<void> {
    for (const answer of this.answers.splice(0)) answer(result);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export const BY = { userId: 'operator', userName: 'operator', address: '192.0.2.7' };
/** A heartbeat of an idle agent. */
export const QUIET = { generation: 'aaaaaaa', pending_command: null, update_status: null };

/** The store as one process of the dashboard sees it: once it is killed, nothing that it asks for is done or answered. */
function startProcess(store: FleetStore): { store: FleetStore; kill(): void } {
  let isKilled = false;
  const never = () => new Promise(() => undefined);
  return {
    store: new Proxy(store, {
      get: (target, name): unknown => (isKilled ? never : Reflect.get(target, name)),
    }),
    kill() {
      isKilled = true;
    },
  };
}

/** An event as a page shows it. */
export type ShownEvent = EventView & { message: string };

export const withSentence = (event: EventView): ShownEvent => ({ ...event, message: eventSentence(event) });

/** Lets everything that was sent so far be stored and take effect: the database of a test answers within a turn. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** `more`: options that differ from those of a dashboard without configuration. */
export async function openBench(more: Partial<FleetOptions> = {}) {
  const database = openTestDatabase();
  const clock = new TestClock();
  const desired = new TestDesiredSource();
  const policy = new TestPolicy();
  const output: OutputLine[] = [];
  const done: string[] = [];
  const events: ShownEvent[] = [];
  const notices: ServiceNotice[][] = [];
  const removed: string[] = [];
  const patches: HostPatch[] = [];
  const executors: DashboardExecutors = {};
  const flakeUpdates = new TestFlakeUpdates();
  let links = 0;
  let ids = 0;
  const publisher: Publisher = {
    hosts: (changed, gone) => {
      patches.push(...changed);
      removed.push(...gone);
    },
    other: (change) => {
      events.push(...(change.events ?? []).map(withSentence));
      if (change.notices) notices.push(change.notices);
    },
    output: (_id, lines) => output.push(...lines),
    outputDone: (id) => done.push(id),
  };
  const store = answerLater<FleetStore>(createFleetStore(database.db, { log: database.log }));
  const options: FleetOptions = {
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
    executors,
    flakeUpdates,
    ...more,
  };
  let process = startProcess(store);
  const open = async () => {
    const fleet = new FleetService({ ...options, store: process.store });
    await fleet.start();
    return fleet;
  };
  const bench = {
    database,
    store,
    /** For a part of the fleet alone. */
    options,
    clock,
    desired,
    policy,
    output,
    done,
    events,
    notices,
    removed,
    patches,
    flakeUpdates,
    executors,
    fleet: await open(),
    /** As after `kill -9`: everything that was not stored is lost, and no connection was closed. */
    async crash() {
      clock.forget();
      flakeUpdates.forget();
      process.kill();
      process = startProcess(store);
      bench.fleet = await open();
    },
    /** Moves the clock; timers fire in order, each at its time. */
    advance: (ms: number) => clock.advanceSettled(ms, settle),
    connect(address = '198.51.100.1', identity?: AgentIdentity): TestLink {
      const link = new TestLink(`link-${++links}`, address, clock.loop, identity);
      bench.fleet.inbox.connected(link);
      return link;
    },
    /** An agent that registered and sent a first heartbeat. */
    async agent(hostname: string, register: Record<string, unknown> = {}): Promise<TestLink> {
      const link = bench.connect();
      await bench.say(link, 'register', { hostname, generation: 'aaaaaaa', ...register });
      return link;
    },
    /** Sends a frame, and waits for what it causes. */
    say(link: TestLink, type: string, payload: unknown): Promise<void> {
      bench.fleet.inbox.frame(link, parseAgentFrame(JSON.stringify({ type, payload })));
      return settle();
    },
    /** The agent's socket ends. */
    hangUp(link: TestLink, code = 1006, reason = ''): Promise<void> {
      bench.fleet.inbox.disconnected(link, code, reason);
      return settle();
    },
    async dispatch(
      operation: Parameters<FleetService['dispatch']>[0]['operation'],
      hostId = 'h1',
      force = false,
    ): Promise<string> {
      const [result] = await bench.fleet.dispatch({
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
    async close() {
      await bench.fleet.stop();
      database.close();
    },
  };
  return bench;
}

export type Bench = Awaited<ReturnType<typeof openBench>>;
