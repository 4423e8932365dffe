/**
 * Works inputs out, one turn each, stores what follows and lets it take effect. Inputs of several hosts that come within
 * a few milliseconds share one transaction: each durable one waits for the disk, and five hundred agents that answer one
 * request would stop everything else for as long as five hundred such waits take.
 */
import { Turn } from './turn';
import type { Clock, FleetLog } from '../records/environment';

/** Inputs that wait for a database that refuses; more are dropped. */
export const MAX_UNSTORED = 10_000;
/** So many inputs are not made to wait for their group any longer. */
export const MAX_GROUPED = 1_000;
/**
 * So many inputs of one host, likewise. They can't share a transaction, so that many of them would hold the event loop
 * when the group is due; worked out while its agent's frame is, their time counts as that agent's.
 */
export const MAX_GROUPED_OF_HOST = 8;

/** Whom a turn's failure to be stored matters to: `retry` keeps the input for when the database is back. */
export type OnRefusal = 'retry' | 'drop';

/** Why turns were not stored. `byRule`: the database would refuse it at any time. */
export interface Refusal {
  reason: string;
  byRule: boolean;
}

interface Input {
  onRefusal: OnRefusal;
  work: (turn: Turn) => void;
}

export interface TurnPorts {
  clock: Clock;
  log: FleetLog;
  /** Called before inputs are worked out, never in the middle of a turn. */
  beforeInputs?: () => void;
  /** How long an input may wait for others to share its transaction; 0: not at all. */
  groupMs: number;
  /** Stores these turns, all of them or none. Null when they are stored. */
  commit: (turns: readonly Turn[]) => Refusal | null;
  /** Lets stored turns take effect, in their order. */
  takeEffect: (turns: readonly Turn[]) => void;
  /** Why the database refuses at present; null while it works. */
  fault: () => string | null;
}

export class TurnRunner {
  private unstored: Input[] = [];
  /** Inputs that wait for their group, by host, in the order in which they came. */
  private grouped = new Map<string, Input[]>();
  private waiting = 0;
  private cancelTimer: (() => void) | null = null;
  /** The oldest kept input takes effect: what that asks for does not wait for the ones behind it. */
  private catchingUp = false;
  /** Calls of this class that are under way: effects of a turn bring further inputs. */
  private depth = 0;

  constructor(private readonly ports: TurnPorts) {}

  /**
   * Works an input out now, after all that came before it. Gives null, or why the database refused: then nothing has
   * happened, and with `retry` the input is worked out again when the database is back.
   */
  run(onRefusal: OnRefusal, work: (turn: Turn) => void): string | null {
    return this.outermost(() => {
      this.settle();
      return this.one({ onRefusal, work });
    });
  }

  /** Works an input of a host out within `groupMs`, together with those of others. Those of one host keep their order. */
  group(hostId: string, onRefusal: OnRefusal, work: (turn: Turn) => void): void {
    const { groupMs, clock } = this.ports;
    if (groupMs === 0) {
      this.outermost(() => this.one({ onRefusal, work }));
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
   * As `group`, for an input that mostly needs no write, as a heartbeat: then it takes effect at once. It may be worked
   * out twice, so that it must do nothing but fill its turn.
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

  /** Works out what waits for its group, now. */
  settle(): void {
    this.outermost(() => this.settleGroups());
  }

  private settleGroups(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
    const lines = [...this.grouped.values()];
    // Taken out first: what takes effect may ask for this again, and must not find it a second time.
    this.grouped = new Map();
    this.waiting = 0;
    for (let round = 0; lines.some((line) => round < line.length); round += 1) {
      this.together(lines.flatMap((line) => line[round] ?? []));
    }
  }

  /** Time that is given back must be in what a turn is worked out from: see `TimeShift`. */
  private outermost<T>(work: () => T): T {
    if (this.depth === 0) this.ports.beforeInputs?.();
    this.depth += 1;
    try {
      return work();
    } finally {
      this.depth -= 1;
    }
  }

  /** Inputs that wait for a database that refuses. */
  get unstoredCount(): number {
    return this.unstored.length;
  }

  /** Works out, in their order, the inputs that came while the database refused. Never in the middle of a turn. */
  workOffUnstored(): void {
    if (this.ports.fault() !== null || this.unstored.length === 0) return;
    // Taken out first: each of these runs comes by here too. If the database refuses again, they line up again.
    for (const input of this.unstored.splice(0)) this.alone(input);
  }

  /**
   * Before something new is stored, what came while the database refused: by the oldest of these it is asked whether it
   * stores again, so that nothing is judged by a state that a kept input changes. Gives why it still refuses, or null.
   */
  private catchUp(): string | null {
    while (this.ports.fault() !== null && !this.catchingUp) {
      const oldest = this.unstored[0];
      if (oldest === undefined) return null;
      const made = this.workOut(oldest);
      const refused = made?.turn.needsCommit === true ? this.ports.commit([made.turn]) : null;
      if (refused !== null && !refused.byRule) return refused.reason;
      this.unstored.shift();
      if (made === null || refused !== null) continue;
      this.catchingUp = true;
      try {
        this.ports.takeEffect([made.turn]);
      } finally {
        this.catchingUp = false;
      }
    }
    this.workOffUnstored();
    return null;
  }

  private one(input: Input): string | null {
    const fault = this.ports.fault();
    if (fault !== null && input.onRefusal === 'retry') {
      this.keep(input);
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
    this.workOffUnstored();
    return null;
  }

  /** One input of each of several hosts: they can't disturb each other. */
  private together(inputs: readonly Input[]): void {
    if (inputs.length < 2 || this.ports.fault() !== null) {
      for (const input of inputs) this.alone(input);
      return;
    }
    const turns = inputs.flatMap((input) => this.workOut(input) ?? []);
    const durable = turns.filter(({ turn }) => turn.needsCommit);
    const refused = durable.length === 0 ? null : this.ports.commit(durable.map(({ turn }) => turn));
    if (refused === null) {
      this.ports.takeEffect(turns.map(({ turn }) => turn));
      this.workOffUnstored();
      return;
    }
    // What asks for no write is no concern of the database's.
    this.ports.takeEffect(turns.filter(({ turn }) => !turn.needsCommit).map(({ turn }) => turn));
    for (const { input, turn } of durable) {
      // One of them breaks a rule: it must not take the others with it.
      const reason = refused.byRule ? this.ports.commit([turn]) : refused;
      if (reason === null) this.ports.takeEffect([turn]);
      else this.refused(input, reason);
    }
    this.workOffUnstored();
  }

  private workOut(input: Input): { input: Input; turn: Turn } | null {
    const turn = new Turn(this.ports.clock.now());
    try {
      input.work(turn);
      return { input, turn };
    } catch (error) {
      this.ports.log.error({ err: error }, 'an input of an agent could not be worked out; it was left out');
      return null;
    }
  }

  private alone(input: Input): void {
    try {
      this.one(input);
    } catch (error) {
      this.ports.log.error({ err: error }, 'an input of an agent could not be worked out; it was left out');
    }
  }

  private refused(input: Input, { byRule }: Refusal): void {
    // What the database refuses by its rules it would refuse for ever, and all that waits behind it.
    if (input.onRefusal === 'retry' && !byRule) this.keep(input);
  }

  private keep(input: Input): void {
    if (this.unstored.length < MAX_UNSTORED) this.unstored.push(input);
  }
}
