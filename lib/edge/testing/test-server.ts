/** A dashboard without pages for tests: the real gateways, fleet and database behind a real port. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { randomBytes, randomUUID } from 'node:crypto';
import { WebSocket, type ClientOptions } from 'ws';
import { removedHostsOf, wireAgentAccess } from '@/lib/dashboard/create-agent-access';
import { openHere } from '@/lib/store/thread/open-here';
import { openTestDatabase, type TestDatabase } from '@/lib/store/sqlite/testing/database';
import { newCommandId } from '@/lib/fleet/records/ids';
import { publishTo } from '@/lib/fleet/publish-to';
import { may, type May } from '@/lib/fleet/may';
import { FleetService } from '@/lib/fleet/service';
import { textOf, AgentGateway, type AgentGatewayTuning } from '../agents/agent-gateway';
import { systemClock } from '../system-clock';
import { LiveHub, type LiveSession, type LiveTuning } from '../browsers/live-gateway';
import { LoopClock } from '../loop-clock';
import { createHttpServer, LISTEN_BACKLOG } from '../http/http';
import { LimitSources } from '@/lib/dashboard/limit-sources';
import type { Pace } from '../links/paced-stream';
import { createEnrolmentShare } from '../agents/enrol';
import { createMachineEndpoints } from '../http/machine-endpoints';
import { RequestCounts } from '../http/request-counts';
import { attachUpgrades, type IdentifyAgent } from '../http/upgrade';
import { TestDesiredSource } from '@/lib/fleet/testing/test-desired';
import { GivenUpdates } from '@/lib/fleet/testing/updates';
import type { Clock, LoopTime } from '@/lib/fleet/records/environment';
import type { FleetStore } from '@/lib/fleet/records/store-port';
import { applyChanges } from '@/lib/protocol/live/apply-changes';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { LiveServerMessage } from '@/lib/protocol/live/to-browser';
import type { LiveClientMessage } from '@/lib/protocol/live/from-browser';

export const TOKEN = 'a-token-for-tests';
export const V1_HASH_SECRET = 'the hash secret of version 1';
export const BY = { userId: 'operator', userName: 'operator', address: '192.0.2.7' };

/** Collects messages and lets a test wait for one. */
class Inbox<T> {
  readonly all: T[] = [];
  private waiting: (() => void)[] = [];

  push(message: T): void {
    this.all.push(message);
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** The first matching message, including earlier ones. */
  async find<S extends T>(fits: (message: T) => message is S): Promise<S>;
  async find(fits: (message: T) => boolean): Promise<T>;
  async find(fits: (message: T) => boolean): Promise<T> {
    for (;;) {
      const found = this.all.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}

export interface AgentClient {
  socket: WebSocket;
  inbox: Inbox<{ type: string; payload: Record<string, unknown> }>;
  send(type: string, payload: unknown): void;
  raw(data: string | Buffer): void;
  close(): Promise<void>;
}

export interface BrowserClient {
  socket: WebSocket;
  inbox: Inbox<LiveServerMessage>;
  send(message: LiveClientMessage): void;
  /** The fleet as a page has it now. */
  view(): FleetView | null;
  /** Waits until the page's fleet fits. */
  until(fits: (view: FleetView) => boolean): Promise<FleetView>;
}

export interface TestServerOptions {
  /** If it has a `loop`, the fleet uses it. */
  clock?: Clock & { loop?: LoopTime };
  /** The `LoopTime` of the gateways, and of the fleet when its clock has none. */
  loop?: LoopClock;
  agentTuning?: AgentGatewayTuning;
  liveTuning?: LiveTuning;
  /** Wraps the store, as the metrics do. */
  meter?: (store: FleetStore) => FleetStore;
  testDb?: TestDatabase;
  /** How fast one agent is read. */
  pace?: Pace;
}

export async function createTestServer(options: TestServerOptions = {}) {
  const clock: Clock & { loop?: LoopTime } = options.clock ?? systemClock;
  const { meter = (store) => store, testDb = openTestDatabase() } = options;
  const { loop = new LoopClock() } = options;
  const desired = new TestDesiredSource();
  const now = () => Date.now();
  let sessions = new Set(['session-1']);
  const ended = new Set<string>();
  let stopping = false;
  let lookUp: ((cookie: string | undefined) => Promise<LiveSession | null>) | null = null;
  let mayNow: May = may;
  let isValid = (idHash: string) => Promise.resolve(sessions.has(idHash));
  const updates = new GivenUpdates();
  const hub = new LiveHub({
    clock: systemClock,
    loop,
    tuning: options.liveTuning,
    log: testDb.log,
    buildId: 'test',
    demo: false,
    updates,
    may: (actor, verb, hostId) => mayNow(actor, verb, hostId),
    sessionIsValid: (idHash) => isValid(idHash),
  });
  const store = openHere(testDb.db, { log: testDb.log });
  const access = await wireAgentAccess({
    stores: store,
    now,
    sharedToken: TOKEN,
    settings: {
      agentTokenHashSecret: V1_HASH_SECRET,
      allowSharedAgentToken: null,
      agentApproval: null,
      rateLimit: 5,
      rateWindowMs: 60_000,
    },
    record: (event) => fleet.record(event),
    log: testDb.log,
    fleet: () => fleet,
  });
  let waiting: (() => void)[] = [];
  let publications = 0;
  const published = () => {
    publications += 1;
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  const fleet = new FleetService({
    store: meter(store.fleet),
    clock,
    loop: clock.loop ?? loop,
    publisher: publishTo(
      [
        removedHostsOf(access),
        hub.feed,
        { hosts: published, other: published, output: published, outputDone: published },
      ],
      testDb.log,
    ),
    desired,
    agents: access.policy,
    log: testDb.log,
    version: '4.0.0',
    epoch: randomUUID(),
    newId: newCommandId(now, randomBytes),
    outputLimit: 1024 * 1024 * 32,
  });
  hub.start(fleet);
  await fleet.start();
  const agents = new AgentGateway(fleet.inbox, testDb.log, loop, { ...options.agentTuning, pace: options.pace });
  const identifyAgent: IdentifyAgent = (authorization, address) => access.identify(authorization, address);
  const origins = { baseUrl: null, allowedOrigins: [], machineNames: [] };
  const enrolments = createEnrolmentShare();
  const counts = new RequestCounts();
  const server = createHttpServer({
    origins,
    handle: (_request, response) => {
      response.setHeader('content-type', 'text/html').end('<p>page');
      return Promise.resolve();
    },
    machineEndpoints: createMachineEndpoints({
      inbox: fleet.v1Inbox,
      identifyAgent,
      enrolments,
      enrol: (code, hostName, address) => access.enrol(code, hostName, address),
      isStopping: () => stopping,
      counts,
      log: testDb.log,
    }),
    trusts: () => false,
    directRoutes: new Map(),
    agentCount: () => agents.size,
    log: testDb.log,
  });
  const upgrades = attachUpgrades(server, {
    agents,
    browsers: hub,
    trusts: () => false,
    origins,
    identifyAgent,
    resolveSession: (cookie) => {
      if (lookUp) return lookUp(cookie);
      const idHash = /session=([^;]*)/.exec(cookie ?? '')?.[1];
      return Promise.resolve(idHash !== undefined && sessions.has(idHash) ? { idHash, userId: idHash } : null);
    },
    sessionHasEnded: (idHash) => ended.has(idHash),
    loop,
    log: testDb.log,
    counts,
    isStopping: () => stopping,
    fallback: () => false,
  });
  const limits = new LimitSources();
  limits.add(
    () => fleet.limits(),
    () => hub.limits(),
    upgrades.uses,
    () => [enrolments.use()],
  );
  server.listen({ port: 0, host: '127.0.0.1', backlog: LISTEN_BACKLOG });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets = new Set<WebSocket>();

  const dial = (path: string, options: ClientOptions) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false, ...options });
    // A refused connection is reported by `unexpected-response`; the later error adds nothing.
    socket.on('error', () => undefined);
    sockets.add(socket);
    return socket;
  };

  const openAgent = async (token: string = TOKEN): Promise<AgentClient> => {
    const socket = dial('/ws', { headers: { authorization: `Bearer ${token}` } });
    const inbox = new Inbox<{ type: string; payload: Record<string, unknown> }>();
    socket.on('message', (data) => {
      inbox.push(JSON.parse(textOf(data)) as { type: string; payload: Record<string, unknown> });
    });
    await once(socket, 'open');
    return {
      socket,
      inbox,
      send: (type, payload) => socket.send(JSON.stringify({ type, payload })),
      raw: (data) => socket.send(data),
      async close() {
        socket.close();
        await once(socket, 'close');
      },
    };
  };

  return {
    port,
    server,
    logged: testDb.logged,
    counts,
    db: testDb.db,
    store,
    desired,
    updates,
    fleet,
    access,
    hub,
    agents,
    limits,
    by: BY,
    /** Waits until the condition holds, checking after each publication. */
    async until(fits: () => boolean | Promise<boolean>): Promise<void> {
      for (;;) {
        const seen = publications;
        if (await fits()) return;
        // What was published while the condition was being read may already fulfil it.
        if (seen === publications) await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    dial,
    agent: openAgent,
    /** An agent that registered with only its name and was admitted. */
    async registeredAgent(hostname: string, token?: string): Promise<AgentClient> {
      const agent = await openAgent(token);
      agent.send('register', { hostname });
      await agent.inbox.find((frame) => frame.type === 'registered');
      return agent;
    },
    async browser(hello: Omit<Extract<LiveClientMessage, { t: 'hello' }>, 't'> = {}): Promise<BrowserClient> {
      const socket = dial('/live', {
        headers: { cookie: 'session=session-1', origin: `http://127.0.0.1:${port}` },
      });
      const inbox = new Inbox<LiveServerMessage>();
      let view: FleetView | null = null;
      let wake: (() => void)[] = [];
      socket.on('message', (data) => {
        const message = JSON.parse(textOf(data)) as LiveServerMessage;
        if (message.t === 'snapshot') view = message.fleet;
        if (message.t === 'changes' && view) view = applyChanges(view, message) ?? view;
        inbox.push(message);
        const woken = wake;
        wake = [];
        for (const each of woken) each();
      });
      await once(socket, 'open');
      socket.send(JSON.stringify({ t: 'hello', ...hello }));
      return {
        socket,
        inbox,
        send: (message) => socket.send(JSON.stringify(message)),
        view: () => view,
        async until(fits) {
          for (;;) {
            if (view && fits(view)) return view;
            await new Promise<void>((resolve) => wake.push(resolve));
          }
        },
      };
    },
    /** Replaces who may see what. */
    permit(other: May) {
      mayNow = other;
    },
    /** Replaces the session look-up. */
    lookUpSessionsBy(other: (cookie: string | undefined) => Promise<LiveSession | null>) {
      lookUp = other;
    },
    /** Replaces the regular check of the sessions with open pages. */
    checkSessionsBy(other: (idHash: string) => Promise<boolean>) {
      isValid = other;
    },
    /** Ends a session as its operator does: its sockets are closed. */
    endSession(idHash: string) {
      ended.add(idHash);
      hub.closeSession(idHash);
    },
    /** Marks the server as stopping: nothing more is accepted. */
    beginStop() {
      stopping = true;
    },
    endSessions() {
      sessions = new Set();
    },
    async close() {
      await Promise.all([agents.stop(200), hub.stop(200)]);
      for (const socket of sockets) socket.terminate();
      await access.settled();
      await fleet.stop();
      loop.stop();
      server.close();
      server.closeAllConnections();
      testDb.close();
    },
  };
}

export type TestServer = Awaited<ReturnType<typeof createTestServer>>;
