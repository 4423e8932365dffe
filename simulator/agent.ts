/**
 * A simulated agent on a real connection: registers, sends heartbeats, runs commands as its behaviour says, and can be
 * dropped, restarted and closed. It speaks either protocol of docs/protocol.md; protocol 2 is the Go agent's.
 */
import { createCommandMemory } from '@/lib/outbox/command-memory';
import { createOutbox, type Outbox } from '@/lib/outbox/outbox';
import { heartbeatFrame, NO_REPORT, registerFrame, type WireReports } from './agent-frames';
import { SimulatedConnection, FIRST_REDIAL_MS } from './connection';
import { behaviourOf, REALISTIC, type Behaviour } from './behaviour';
import { Events, type AgentEvent, type AgentEventType, type EventOf } from './events';
import {
  agentStorePath,
  makeFacts,
  makeMetrics,
  type SimulatedFacts,
  type HostType,
  type SimulatedMetrics,
} from './host-facts';
import { Pauses } from './pauses';
import { hex, seeded, type Random } from './random';
import { ScriptRunner, wireTime } from './runner';
import { AGENT_CAPABILITIES, CONFIRM, POLICY } from '@/lib/protocol/agent/capabilities';
import { WIRE_COMMANDS, type WireCommand } from '@/lib/protocol/agent/wire-commands';
import type { ReceivedServerFrame } from '@/lib/protocol/agent/to-agent';
import { POLICY_OPERATIONS, type HostPolicyInput } from '@/lib/protocol/agent/host-policy';
import { MAX_BATCH_LINES, MAX_FINISHED_IDS } from '@/lib/protocol/agent/frame-limits';

export interface SimulatedAgentOptions {
  url: string;
  token: string;
  hostname: string;
  protocol?: 2 | 3;
  /** What it names in `register` of protocol 3; null: nothing, like 4.0.0. Default: what this project's agent names. */
  capabilities?: readonly string[] | null;
  /** Between heartbeats, in milliseconds. */
  intervalMs?: number;
  hostType?: HostType;
  random?: Random;
  behaviour?: Behaviour;
  /** Facts that replace the random ones. */
  facts?: Partial<SimulatedFacts>;
  /** The commit (7 characters) of the clone after a pull; without it a pull changes nothing. */
  pullsTo?: string;
  /** The metrics of a heartbeat at a time (epoch milliseconds). */
  metrics?: (now: number) => SimulatedMetrics | null;
  /** The delay before the first reconnect after a loss, in milliseconds. */
  firstRedialMs?: number;
  /** What the host accepts, as it reports it; by default everything. It refuses what `operations` does not list. */
  policy?: HostPolicyInput;
}

export class SimulatedAgent {
  readonly hostname: string;
  readonly facts: SimulatedFacts;
  private readonly protocol: 2 | 3;
  private readonly capabilities: readonly string[] | null;
  private readonly intervalMs: number;
  private readonly random: Random;
  private readonly metrics: (now: number) => SimulatedMetrics | null;
  private readonly events = new Events();
  private readonly pauses = new Pauses();
  private readonly tasks = new Set<Promise<void>>();
  private readonly socket: SimulatedConnection;
  /** What a real agent has on disk. */
  private readonly memory = createCommandMemory({ maxCommands: MAX_FINISHED_IDS });
  /** A new one at each start of the process: output is lost with the process, results are not. */
  private outbox: Outbox;
  private readonly runner: ScriptRunner;
  /** A new one at each start of the process. */
  private instance: string;
  private reports: WireReports = initialReports();
  /** The protocol of this connection; null until `registered`. */
  private negotiated: 2 | 3 | null = null;
  /** What the dashboard of this connection named. */
  private accepted: readonly string[] = [];
  private readonly policy: HostPolicyInput;
  /** The process has ended and the next one has not started. */
  private offline = false;
  private installed: Partial<SimulatedFacts> = {};
  private ticker: NodeJS.Timeout | null = null;
  private closed = false;

  constructor(options: SimulatedAgentOptions) {
    const behaviour = options.behaviour ?? REALISTIC;
    // A mistake in the behaviour fails here and not in the middle of a run.
    for (const command of WIRE_COMMANDS) behaviourOf(behaviour, command);
    this.hostname = options.hostname;
    this.protocol = options.protocol ?? 3;
    this.capabilities = options.capabilities === undefined ? AGENT_CAPABILITIES : options.capabilities;
    this.policy = options.policy ?? { state: 'none', source: '/etc/nixfleet-agent/policy.json' };
    this.intervalMs = options.intervalMs ?? 5_000;
    this.random = options.random ?? seeded(1);
    const version = this.protocol === 3 ? '4.1.0' : '3.1.5';
    this.facts = { ...makeFacts(this.random, options.hostType ?? 'nixos', version), ...options.facts };
    this.metrics = options.metrics ?? makeMetrics(this.random);
    this.instance = hex(this.random, 32);
    this.socket = new SimulatedConnection({
      url: options.url,
      token: options.token,
      userAgent: this.protocol === 3 ? `nixfleet-agent/${version}` : 'Go-http-client/1.1',
      random: this.random,
      jitter: this.protocol === 3,
      firstRedialMs: options.firstRedialMs ?? FIRST_REDIAL_MS,
      onOpen: () => {
        this.register();
        this.events.emit({ type: 'open' });
      },
      onFrame: (frame) => this.received(frame),
      onRefused: (status) => this.events.emit({ type: 'refused', status }),
      onClosed: (code) => {
        this.negotiated = null;
        this.events.emit({ type: 'disconnected', code });
      },
      onDrain: () => this.outbox.pump(),
    });
    this.outbox = this.makeOutbox();
    this.runner = new ScriptRunner({
      behaviour,
      facts: this.facts,
      reports: () => this.reports,
      outbox: () => this.outbox,
      pauses: this.pauses,
      pullsTo: options.pullsTo,
      refuses: (command) => this.refusalOf(command),
      negotiated: () => this.negotiated,
      send: (frame) => {
        if (this.negotiated !== null) this.socket.send(frame);
      },
      heartbeat: () => this.heartbeat(),
      emit: (event) => this.events.emit(event),
      install: () => {
        const storePath = agentStorePath(this.random, this.facts.agentVersion);
        this.installed = { storePath, binaryHash: hex(this.random, 64) };
      },
      reconnect: async () => {
        await this.socket.close();
        this.socket.dial();
        await this.whenRegistered();
      },
      endProcess: (how, pauseMs) => this.endProcess(how, pauseMs),
      task: (work) => this.task(work),
    });
  }

  private get canConfirm(): boolean {
    return this.capabilities?.includes(CONFIRM) === true;
  }

  get isRegistered(): boolean {
    return this.negotiated !== null;
  }

  /** The name of the running command; null when idle. */
  get currentCommand(): string | null {
    return this.runner.running?.command ?? null;
  }

  /** Connects, and reconnects whenever the connection is lost. */
  connect(): void {
    if (this.closed) throw new Error(`the simulated agent ${this.hostname} was closed`);
    if (!this.offline) this.socket.dial();
  }

  /** Resolves when it is registered; rejects when it is closed before that. */
  async whenRegistered(): Promise<void> {
    if (!this.isRegistered) await this.next('registered');
  }

  /** Breaks the connection without a close frame. It reconnects after its back-off; with `stayAway`, only on `connect`. */
  drop({ stayAway = false }: { stayAway?: boolean } = {}): void {
    this.socket.drop(!stayAway);
  }

  /** Runs a command of protocol 3 as if it came on an earlier connection. Works before the first connection. */
  resumeCommand(command: WireCommand, id: string): void {
    this.runner.command(command, id, null);
  }

  /** Sends a heartbeat now, if it is registered. */
  heartbeat(): void {
    if (this.negotiated === null) return;
    const { running } = this.runner;
    const id = this.negotiated === 3 ? (running?.id ?? null) : null;
    const shown = running && { command: running.command, pid: running.pid, id };
    if (this.socket.send(heartbeatFrame(this.facts, this.reports, this.metrics(Date.now()), shown))) {
      this.events.emit({ type: 'heartbeat' });
    }
  }

  /** Sends a text frame unchanged, for frames that no agent should send. False without a connection. */
  sendText(text: string): boolean {
    return this.socket.sendText(text);
  }

  /** Calls the listener with every event from now on. Returns a function that removes it. */
  on(listener: (event: AgentEvent) => void): () => void {
    return this.events.on(listener);
  }

  /** The next event of this type that passes `test`. Rejects when the agent is closed before that. */
  next<T extends AgentEventType>(type: T, test?: (event: EventOf<T>) => boolean): Promise<EventOf<T>> {
    return this.events.next(type, test);
  }

  /** Closes with 1000 and ends. No timer or socket is left when this resolves. */
  async close(): Promise<void> {
    this.closed = true;
    this.runner.processEnded();
    this.stopTicker();
    this.pauses.endAll();
    await this.socket.close();
    await Promise.all(this.tasks);
    this.events.end(`the simulated agent ${this.hostname} was closed`);
  }

  private makeOutbox(): Outbox {
    return createOutbox({
      memory: this.memory,
      maxBatchLines: MAX_BATCH_LINES,
      link: {
        ready: () => this.negotiated === 3 && this.socket.isOpen && !this.socket.isCongested,
        withIds: () => this.negotiated === 3,
        accepts: (name) => this.accepted.includes(name),
        send: (frame) => void this.socket.send(frame),
      },
      onResultSent: () => this.heartbeat(),
    });
  }

  private register(): void {
    const { running } = this.runner;
    const three = {
      instance: this.instance,
      running: running?.id == null ? null : { command_id: running.id },
      finished: this.outbox.finished(),
      ...(this.capabilities === null ? {} : { capabilities: this.capabilities }),
    };
    const heartbeatIntervalS = Math.max(1, this.intervalMs / 1_000);
    const state = { hostname: this.hostname, facts: this.facts, heartbeatIntervalS };
    this.socket.send(registerFrame(state, this.protocol === 3 ? three : null));
  }

  private received(frame: ReceivedServerFrame): void {
    switch (frame.type) {
      case 'registered':
        this.accepted = frame.payload.accepts ?? [];
        this.registered(frame.payload.protocol ?? 2);
        return;
      case 'command': {
        const { command, id, target, confirm } = frame.payload;
        const known = this.negotiated === 3 ? (id ?? null) : null;
        this.events.emit({ type: 'command', command, id: known });
        this.runner.command(command, known, target ?? null, this.canConfirm ? (confirm?.window_s ?? null) : null);
        return;
      }
      case 'confirm': {
        const { command_id: id, keep, by_operator: byOperator } = frame.payload;
        this.events.emit({ type: 'confirm', id, keep, byOperator });
        this.runner.confirm(id, keep);
        return;
      }
      case 'kill_command':
        this.events.emit({ type: 'kill', signal: frame.payload.signal });
        this.runner.kill(frame.payload.signal);
        return;
      case 'ack': {
        const { command_id: id, output_seq: outputSeq, result = false } = frame.payload;
        this.outbox.acknowledge(id, outputSeq, result);
        this.events.emit({ type: 'acknowledged', id, outputSeq: outputSeq ?? null, result });
      }
    }
  }

  private registered(protocol: number): void {
    const first = this.negotiated === null;
    this.negotiated = this.protocol === 3 && protocol >= 3 ? 3 : 2;
    if (first) {
      this.socket.resetBackOff();
      this.outbox.resendAll();
      if (this.capabilities?.includes(POLICY) === true && this.accepted.includes('host_policy'))
        this.socket.send({ type: 'host_policy', payload: this.policy });
      this.runner.registered();
      if (this.ticker === null) this.startTicker();
    }
    this.heartbeat();
    this.events.emit({ type: 'registered', first, protocol: this.negotiated });
  }

  /** Why the host refuses a command, as a sentence; null when it accepts it. */
  private refusalOf(command: string): string | null {
    const { operations } = this.policy;
    const isKnown = POLICY_OPERATIONS.some((operation) => operation === command);
    return !isKnown || operations == null || operations.includes(command)
      ? null
      : `Refused by the host: its policy does not accept “${command}”`;
  }

  /** Resolves when the process has ended; the next one starts after the pause. */
  private async endProcess(how: 'closed' | 'broken', pauseMs: number): Promise<void> {
    if (this.closed || this.offline) return;
    this.offline = true;
    this.runner.processEnded();
    this.stopTicker();
    if (how === 'closed') await this.socket.close();
    else await this.socket.dropAndWait();
    this.outbox = this.makeOutbox();
    this.events.emit({ type: 'exited' });
    void this.task(async () => {
      await this.pauses.wait(pauseMs);
      this.instance = hex(this.random, 32);
      this.reports = initialReports();
      Object.assign(this.facts, this.installed);
      this.installed = {};
      this.runner.processStarted();
      this.offline = false;
      if (!this.closed) this.socket.dial();
    });
  }

  /** The first heartbeat comes at a random time within the interval, so that a fleet's heartbeats spread as in reality. */
  private startTicker(): void {
    this.ticker = setTimeout(() => {
      this.heartbeat();
      this.ticker = setInterval(() => this.heartbeat(), this.intervalMs);
    }, this.random() * this.intervalMs);
  }

  private stopTicker(): void {
    // clearTimeout also clears intervals.
    if (this.ticker !== null) clearTimeout(this.ticker);
    this.ticker = null;
  }

  private task(work: () => Promise<void>): Promise<void> {
    const task = work().finally(() => this.tasks.delete(task));
    this.tasks.add(task);
    return task;
  }
}

/** A new process knows the age of flake.lock and nothing else. */
function initialReports(): WireReports {
  const lock = { status: 'ok', message: 'Updated today', checked_at: wireTime() };
  return { lock, system: { ...NO_REPORT }, tests: { ...NO_REPORT } };
}
