/**
 * Processes inputs, one turn each: stores the turn and lets it take effect. Inputs of several hosts that arrive within a few
 * milliseconds share one transaction: each durable one waits for the disk, and five hundred agents that answer one request
 * would block everything else for five hundred such waits.
 */
import { Turn } from './turn';
import type { Clock, FleetLog } from '../records/environment';

/** Inputs kept while the database refuses writes; further ones are dropped. */
export const MAX_UNSTORED = 10_000;
/** This many grouped inputs are processed without waiting any longer. */
export const MAX_GROUPED = 1_000;
/**
 * The same limit for one host. Inputs of one host can't share a transaction, so many of them would block the event loop
 * when the group is due; processed with the agent's frame, their time counts towards that agent.
 */
export const MAX_GROUPED_OF_HOST = 8;

/** What happens to an input whose turn can't be stored: `retry` keeps it until the database accepts writes again. */
export type OnRefusal = 'retry' | 'drop';

/** Why turns were not stored. `isPermanent`: they violate a constraint, so the database would always refuse them. */
export interface Refusal {
  reason: string;
  isPermanent: boolean;
}

interface Input {
  onRefusal: OnRefusal;
  work: (turn: Turn) => void;
}

export interface TurnPorts {
  clock: Clock;
  log: FleetLog;
  /** Called before inputs are processed, never during a turn. */
  beforeInputs?: () => void;
  /** How long an input may wait for others to share its transaction; 0: not grouped. */
  groupMs: number;
  /** Stores all of these turns or none. Returns null when they are stored. */
  commit: (turns: readonly Turn[]) => Refusal | null;
  /** Lets stored turns take effect, in order. */
  takeEffect: (turns: readonly Turn[]) => void;
  /** Why the database refuses writes now; null while it works. */
  fault: () => string | null;
}

export class TurnRunner {
  private unstored: Input[] = [];
  /** Grouped inputs by host, in order of arrival. */
  private grouped = new Map<string, Input[]>();
  private waiting = 0;
  private cancelTimer: (() => void) | null = null;
  /** True while the oldest kept input takes effect: inputs it causes do not wait for the kept ones behind it. */
  private catchingUp = false;
  /** Nested calls: effects of a turn cause further inputs. */
  private depth = 0;

  constructor(private readonly ports: TurnPorts) {}

  /**
   * Processes an input now, after all earlier ones. Returns null, or why the database refused: then nothing has happened,
   * and with `retry` the input is processed again when the database accepts writes.
   */
  run(onRefusal: OnRefusal, work: (turn: Turn) => void): string | null {
    return this.outermost(() => {
      this.settle();
      return this.runOne({ onRefusal, work });
    });
  }

  /** Processes a host's input within `groupMs`, together with those of other hosts. Inputs of one host keep their order. */
  group(hostId: string, onRefusal: OnRefusal, work: (turn: Turn) => void): void {
    const { groupMs, clock } = this.ports;
    if (groupMs === 0) {
      this.outermost(() => this.runOne({ onRefusal, work }));
      return;
    }
    const line = this.grouped.get(hostId) ?? [];
    this.grouped.set(hostId, line);
    line.push({ onRefusal, work });
    this.waiting += 1;
    if (this.waiting >= MAX_GROUPED || line.length >= MAX_GROUPED_OF_HOST) this.settle();
    else this.cancelTimer ??= clock.after(groupMs, () => this.settle());
  }

  /**
   * As `group`, for inputs that rarely need a write, such as heartbeats: without one they take effect at once. `work` may
   * run twice, so it must only fill its turn.
   */
  groupIfDurable(hostId: string, onRefusal: OnRefusal, work: (turn: Turn) => void): void {
    if (this.ports.groupMs > 0 && !this.grouped.has(hostId)) {
      const isDone = this.outermost(() => {
        const turn = new Turn(this.ports.clock.now());
        work(turn);
        if (turn.needsCommit) return false;
        this.ports.takeEffect([turn]);
        return true;
      });
      if (isDone) return;
    }
    this.group(hostId, onRefusal, work);
  }

  /** Processes all grouped inputs now. */
  settle(): void {
    this.outermost(() => this.settleGroups());
  }

  private settleGroups(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
    const lines = [...this.grouped.values()];
    // Cleared first: effects may call this again and must not process an input twice.
    this.grouped = new Map();
    this.waiting = 0;
    for (let round = 0; lines.some((line) => round < line.length); round += 1) {
      this.runTogether(lines.flatMap((line) => line[round] ?? []));
    }
  }

  /** Calls `beforeInputs` once per outermost call, so that turns see compensated time: see `TimeShift`. */
  private outermost<T>(work: () => T): T {
    if (this.depth === 0) this.ports.beforeInputs?.();
    this.depth += 1;
    try {
      return work();
    } finally {
      this.depth -= 1;
    }
  }

  /** The number of inputs kept while the database refuses writes. */
  get unstoredCount(): number {
    return this.unstored.length;
  }

  /** Processes, in order, the inputs kept while the database refused writes. Never called during a turn. */
  replayUnstored(): void {
    if (this.ports.fault() !== null || this.unstored.length === 0) return;
    // Cleared first: each of these runs calls this method as well. If the database refuses again, they are kept again.
    for (const input of this.unstored.splice(0)) this.runAlone(input);
  }

  /**
   * Replays kept inputs before a new request: the oldest one tests whether the database accepts writes, so that no decision
   * rests on a state that a kept input changes. Returns why the database still refuses, or null.
   */
  private catchUp(): string | null {
    while (this.ports.fault() !== null && !this.catchingUp) {
      const oldest = this.unstored[0];
      if (oldest === undefined) return null;
      const prepared = this.prepare(oldest);
      const refused = prepared?.turn.needsCommit === true ? this.ports.commit([prepared.turn]) : null;
      if (refused !== null && !refused.isPermanent) return refused.reason;
      this.unstored.shift();
      if (prepared === null || refused !== null) continue;
      this.catchingUp = true;
      try {
        this.ports.takeEffect([prepared.turn]);
      } finally {
        this.catchingUp = false;
      }
    }
    this.replayUnstored();
    return null;
  }

  private runOne(input: Input): string | null {
    const fault = this.ports.fault();
    if (fault !== null && input.onRefusal === 'retry') {
      this.keepForRetry(input);
      return fault;
    }
    let turn = new Turn(this.ports.clock.now());
    input.work(turn);
    if (turn.needsCommit && this.unstored.length > 0 && !this.catchingUp) {
      const reason = this.catchUp();
      if (reason !== null) return reason;
      turn = new Turn(this.ports.clock.now());
      input.work(turn);
    }
    const refused = turn.needsCommit ? this.ports.commit([turn]) : null;
    if (refused !== null) {
      this.refused(input, refused);
      return refused.reason;
    }
    this.ports.takeEffect([turn]);
    this.replayUnstored();
    return null;
  }

  /** Processes one input of each of several hosts; they do not affect each other. */
  private runTogether(inputs: readonly Input[]): void {
    if (inputs.length < 2 || this.ports.fault() !== null) {
      for (const input of inputs) this.runAlone(input);
      return;
    }
    const turns = inputs.flatMap((input) => this.prepare(input) ?? []);
    const durable = turns.filter(({ turn }) => turn.needsCommit);
    const refused = durable.length === 0 ? null : this.ports.commit(durable.map(({ turn }) => turn));
    if (refused === null) {
      this.ports.takeEffect(turns.map(({ turn }) => turn));
      this.replayUnstored();
      return;
    }
    // Turns without a write do not depend on the database.
    this.ports.takeEffect(turns.filter(({ turn }) => !turn.needsCommit).map(({ turn }) => turn));
    for (const { input, turn } of durable) {
      // One of them violates a constraint; the others must still be stored.
      const reason = refused.isPermanent ? this.ports.commit([turn]) : refused;
      if (reason === null) this.ports.takeEffect([turn]);
      else this.refused(input, reason);
    }
    this.replayUnstored();
  }

  private prepare(input: Input): { input: Input; turn: Turn } | null {
    const turn = new Turn(this.ports.clock.now());
    try {
      input.work(turn);
      return { input, turn };
    } catch (error) {
      this.ports.log.error({ err: error }, 'processing an agent input failed; the input was dropped');
      return null;
    }
  }

  private runAlone(input: Input): void {
    try {
      this.runOne(input);
    } catch (error) {
      this.ports.log.error({ err: error }, 'processing an agent input failed; the input was dropped');
    }
  }

  private refused(input: Input, { isPermanent }: Refusal): void {
    // The database would refuse it for ever, and every kept input behind it would wait.
    if (input.onRefusal === 'retry' && !isPermanent) this.keepForRetry(input);
  }

  private keepForRetry(input: Input): void {
    if (this.unstored.length < MAX_UNSTORED) this.unstored.push(input);
  }
}
