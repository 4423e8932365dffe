/**
 * A scripted agent on the real wire: registers, beats, carries commands out as its behaviour says, and can be dropped,
 * restarted and closed. Protocol 2 is the Go agent's (agent protocol, sections 1 to 5), protocol 3 is docs/protocol.md.
 */
import { heartbeatFrame, NO_WORD, registerFrame, type Words } from './agent-frames';
import { AgentSocket, FIRST_REDIAL_MS } from './agent-socket';
import { behaviourOf, REALISTIC, type Behaviour } from './behaviour';
import { Events, type AgentEvent, type AgentEventType, type EventOf } from './events';
import { agentStorePath, makeFacts, makeMetrics, type HostFacts, type HostType, type Metrics } from './host-facts';
import { Outbox } from './outbox';
import { Pauses } from './pauses';
import { hex, seeded, type Random } from './random';
import { Runner, wireTime } from './runner';
import { WIRE_COMMANDS, type WireCommand } from '@/lib/protocol/agent/wire-commands';
import type { ReceivedServerFrame } from '@/lib/protocol/agent/to-agent';

export interface SimulatedAgentOptions {
  url: string;
  token: string;
  hostname: string;
  protocol?: 2 | 3;
  /** Between heartbeats, in milliseconds. */
  intervalMs?: number;
  hostType?: HostType;
  random?: Random;
  behaviour?: Behaviour;
  /** What differs from what the random numbers give. */
  facts?: Partial<HostFacts>;
  /** The commit (7 characters) that a pull brings the clone to; without it a pull changes nothing. */
  pullsTo?: string;
  /** The figures of a heartbeat at a time (epoch milliseconds). */
  metrics?: (now: number) => Metrics | null;
  /** The first pause before dialling again after a loss, in milliseconds. */
  firstRedialMs?: number;
}

export class SimulatedAgent {
  readonly hostname: string;
  readonly facts: HostFacts;
  private readonly protocol: 2 | 3;
  private readonly intervalMs: number;
  private readonly random: Random;
  private readonly metrics: (now: number) => Metrics | null;
  private readonly events = new Events();
  private readonly pauses = new Pauses();
  private readonly tasks = new Set<Promise<void>>();
  private readonly socket: AgentSocket;
  private readonly outbox: Outbox;
  private readonly runner: Runner;
  /** A new one at each start of the process. */
  private instance: string;
  private words: Words = freshWords();
  /** What is spoken on this connection; null until `registered`. */
  private spoken: 2 | 3 | null = null;
  /** The process has ended and the next one has not started. */
  private away = false;
  private installed: Partial<HostFacts> = {};
  private ticker: NodeJS.Timeout | null = null;
  private closed = false;

  constructor(options: SimulatedAgentOptions) {
    const behaviour = options.behaviour ?? REALISTIC;
    // Every mistake in a behaviour shows here and not in the middle of a run.
    for (const command of WIRE_COMMANDS) behaviourOf(behaviour, command);
    this.hostname = options.hostname;
    this.protocol = options.protocol ?? 3;
    this.intervalMs = options.intervalMs ?? 5_000;
    this.random = options.random ?? seeded(1);
    const version = this.protocol === 3 ? '4.0.0' : '3.1.5';
    this.facts = { ...makeFacts(this.random, options.hostType ?? 'nixos', version), ...options.facts };
    this.metrics = options.metrics ?? makeMetrics(this.random);
    this.instance = hex(this.random, 32);
    this.socket = new AgentSocket({
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
        this.spoken = null;
        this.events.emit({ type: 'disconnected', code });
      },
      onDrain: () => this.outbox.pump(),
    });
    this.outbox = new Outbox({
      ready: () => this.spoken === 3 && this.socket.isOpen && !this.socket.isCongested,
      send: (frame) => void this.socket.send(frame),
      onResultSent: () => this.heartbeat(),
    });
    this.runner = new Runner({
      behaviour,
      facts: this.facts,
      words: () => this.words,
      outbox: this.outbox,
      pauses: this.pauses,
      pullsTo: options.pullsTo,
      spoken: () => this.spoken,
      send: (frame) => {
        if (this.spoken !== null) this.socket.send(frame);
      },
      heartbeat: () => this.heartbeat(),
      emit: (event) => this.events.emit(event),
      install: () => {
        const storePath = agentStorePath(this.random, this.facts.agentVersion);
        this.installed = { storePath, binaryHash: hex(this.random, 64) };
      },
      endProcess: (how, pauseMs) => this.endProcess(how, pauseMs),
      task: (work) => this.task(work),
    });
  }

  get isRegistered(): boolean {
    return this.spoken !== null;
  }

  /** The name of the command that it carries out now; null when idle. */
  get busyWith(): string | null {
    return this.runner.running?.command ?? null;
  }

  /** Dials, now and whenever the connection is lost. */
  connect(): void {
    if (this.closed) throw new Error(`the simulated agent ${this.hostname} was closed`);
    if (!this.away) this.socket.dial();
  }

  /** Resolves when the dashboard has let it in; rejects when it is closed before. */
  async whenRegistered(): Promise<void> {
    if (!this.isRegistered) await this.next('registered');
  }

  /** Breaks the connection without a close frame. It dials again by its back-off, or with `stayAway` when told to. */
  drop({ stayAway = false }: { stayAway?: boolean } = {}): void {
    this.socket.drop(!stayAway);
  }

  /** Carries a command of protocol 3 out as one that was given on an earlier connection: before the first one, too. */
  takeUp(command: WireCommand, id: string): void {
    this.runner.command(command, id, null);
  }

  /** Sends a heartbeat now, when the dashboard has let it in. */
  heartbeat(): void {
    if (this.spoken === null) return;
    const { running } = this.runner;
    const id = this.spoken === 3 ? (running?.id ?? null) : null;
    const shown = running && { command: running.command, pid: running.pid, id };
    if (this.socket.send(heartbeatFrame(this.facts, this.words, this.metrics(Date.now()), shown))) {
      this.events.emit({ type: 'heartbeat' });
    }
  }

  /** Sends a text frame as it is: for frames that no agent should send. False when there is no connection. */
  sendText(text: string): boolean {
    return this.socket.sendText(text);
  }

  /** Calls back with every event from now on. Returns the way to end it. */
  on(listener: (event: AgentEvent) => void): () => void {
    return this.events.on(listener);
  }

  /** The next event of this type, from now on, for which `test` holds. Rejects when the agent is closed before. */
  next<T extends AgentEventType>(type: T, test?: (event: EventOf<T>) => boolean): Promise<EventOf<T>> {
    return this.events.next(type, test);
  }

  /** Says goodbye (1000) and ends; nothing of it is left when this resolves. */
  async close(): Promise<void> {
    this.closed = true;
    this.runner.processEnded();
    this.stopTicker();
    this.pauses.endAll();
    await this.socket.hangUp();
    await Promise.all(this.tasks);
    this.events.end(`the simulated agent ${this.hostname} was closed`);
  }

  private register(): void {
    const { running } = this.runner;
    const three = {
      instance: this.instance,
      running: running?.id == null ? null : { command_id: running.id },
      finished: this.outbox.finished(),
    };
    const heartbeatIntervalS = Math.max(1, this.intervalMs / 1_000);
    const state = { hostname: this.hostname, facts: this.facts, heartbeatIntervalS };
    this.socket.send(registerFrame(state, this.protocol === 3 ? three : null));
  }

  private received(frame: ReceivedServerFrame): void {
    switch (frame.type) {
      case 'registered':
        this.registered(frame.payload.protocol ?? 2);
        return;
      case 'command': {
        const { command, id, target } = frame.payload;
        const known = this.spoken === 3 ? (id ?? null) : null;
        this.events.emit({ type: 'command', command, id: known });
        this.runner.command(command, known, target ?? null);
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
    const first = this.spoken === null;
    this.spoken = this.protocol === 3 && protocol >= 3 ? 3 : 2;
    if (first) {
      this.socket.settled();
      this.outbox.resend();
      if (this.ticker === null) this.startTicker();
    }
    this.heartbeat();
    this.events.emit({ type: 'registered', first, protocol: this.spoken });
  }

  /** Resolves when the process is gone; the next one starts by itself after the pause. */
  private async endProcess(how: 'goodbye' | 'broken', pauseMs: number): Promise<void> {
    if (this.closed || this.away) return;
    this.away = true;
    this.runner.processEnded();
    this.stopTicker();
    if (how === 'goodbye') await this.socket.hangUp();
    else await this.socket.breakOff();
    this.outbox.restart();
    this.events.emit({ type: 'exited' });
    void this.task(async () => {
      await this.pauses.wait(pauseMs);
      this.instance = hex(this.random, 32);
      this.words = freshWords();
      Object.assign(this.facts, this.installed);
      this.installed = {};
      this.runner.processStarted();
      this.away = false;
      if (!this.closed) this.socket.dial();
    });
  }

  /** The beat is the process's own: where it stands when a connection is made is chance, as in a real fleet. */
  private startTicker(): void {
    this.ticker = setTimeout(() => {
      this.heartbeat();
      this.ticker = setInterval(() => this.heartbeat(), this.intervalMs);
    }, this.random() * this.intervalMs);
  }

  private stopTicker(): void {
    // One function ends both kinds of timer.
    if (this.ticker !== null) clearTimeout(this.ticker);
    this.ticker = null;
  }

  private task(work: () => Promise<void>): Promise<void> {
    const task = work().finally(() => this.tasks.delete(task));
    this.tasks.add(task);
    return task;
  }
}

/** A new process knows the age of flake.lock and has forgotten the rest. */
function freshWords(): Words {
  const lock = { status: 'ok', message: 'Updated today', checked_at: wireTime() };
  return { lock, system: { ...NO_WORD }, tests: { ...NO_WORD } };
}
