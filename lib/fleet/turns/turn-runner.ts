/**
 * Processes inputs, one turn each: stores the turn and lets it take effect. While a batch of turns is being stored, the
 * next one gathers, so that five hundred agents that answer one request share a few transactions. An input waits for the
 * earlier ones that it has a key in common with; one that changes nothing durable takes effect at once.
 */
import { Turn } from './turn';
import type { Clock, FleetLog } from '../records/environment';

/** Inputs kept while the database refuses writes; further ones are dropped. */
export const MAX_KEPT = 10_000;
/** The same for one key, so that one host can't take the room of the others. */
export const MAX_KEPT_OF_KEY = 100;
/** Inputs that wait at most; further ones are refused. Agents are no longer read long before. */
export const MAX_WAITING = 50_000;
/** Turns that share a transaction at most. */
export const MAX_BATCH = 1_000;
const OVERLOADED = 'The dashboard has too much to store at the moment. Try again in a minute.';

/** What happens to an input whose turn can't be stored: `retry` keeps it until the database accepts writes again. */
export type OnRefusal = 'retry' | 'drop';

/** Why an input did not take effect. */
export interface Refusal {
  reason: string;
  /**
   * `storage`: the database refuses writes now. `constraint`: it would always refuse this one. `overload`: too many inputs
   * wait.
   */
  kind: 'storage' | 'constraint' | 'overload';
}

export interface Input {
  /**
   * What the input reads and changes, as `hostKey` and its like. Inputs with a key in common are processed in order.
   * `everything`: it is processed alone, after all earlier ones and before all later ones.
   */
  keys: readonly string[] | 'everything';
  onRefusal: OnRefusal;
  /** It is taken however many inputs wait: without it, memory would not match what has happened outside. */
  isVital?: boolean;
  /** Decides and fills the turn. It may be called again, so it must change nothing else. */
  work: (turn: Turn) => void;
}

interface Waiting extends Input {
  /** Its turn, if it could be filled when the input came: no earlier input can change what it depends on. */
  turn: Turn | null;
  settle: (refusal: Refusal | null) => void;
  /** True: an input that is kept is settled when it has been processed again. */
  settlesAtEnd: boolean;
  /** Its work has thrown. */
  fail: (error: unknown) => void;
}

interface Prepared {
  input: Waiting;
  turn: Turn;
  /** What is busy while it is being stored: for an input about everything, only the hosts that its turn changes. */
  busy: Pick<Input, 'keys'>;
}

export interface TurnPorts {
  clock: Clock;
  log: FleetLog;
  /** Called before an input is processed. It may send an input that comes first. */
  beforeInput?: () => void;
  /** Stores all of these turns or none; null when they are stored. Never rejects. */
  commit: (turns: readonly Turn[]) => Promise<Refusal | null>;
  /** Lets stored turns take effect, in order. Never throws. */
  takeEffect: (turns: readonly Turn[]) => void;
  /** Why the database refuses writes now; null while it works. */
  fault: () => string | null;
}

export class TurnRunner {
  private waiting: Waiting[] = [];
  /** How many inputs with each key wait or are being stored. */
  private readonly busy = new Map<string, number>();
  /** How many inputs that depend on everything wait. */
  private barriers = 0;
  private isStoring = false;
  private isArmed = false;
  private isOverloaded = false;
  private isFull = false;
  private kept: Waiting[] = [];
  /** How many of them have a key. */
  private readonly keptOf = new Map<string, number>();
  private idleWaiters: (() => void)[] = [];
  private readonly keyWaiters = new Map<string, (() => void)[]>();

  constructor(private readonly ports: TurnPorts) {}

  /** The number of inputs kept while the database refuses writes. */
  get keptCount(): number {
    return this.kept.length;
  }

  /** The number of inputs that wait to be processed. */
  get waitingCount(): number {
    return this.waiting.length;
  }

  /** How many inputs with this key wait or are being stored. */
  countOf(key: string): number {
    return this.busy.get(key) ?? 0;
  }

  /**
   * Processes an input. Resolves with null when its turn is stored and has taken effect, or with why the database refused
   * it: then nothing has happened, and with `retry` the input is processed again when the database accepts writes. Rejects
   * when its work throws.
   */
  settled(input: Input): Promise<Refusal | null> {
    return new Promise((resolve, reject) => this.add(input, resolve, reject, false));
  }

  /** As `settled`, but an input that is kept while the database refuses is settled when it has been processed again. */
  ended(input: Input): Promise<Refusal | null> {
    return new Promise((resolve, reject) => this.add(input, resolve, reject, true));
  }

  /** As `settled`, with the reason alone. */
  async run(input: Input): Promise<string | null> {
    return (await this.settled(input))?.reason ?? null;
  }

  /** As `settled`, where nobody waits for the end. An error of its work is logged unless `failed` takes it. */
  post(input: Input, failed?: (error: unknown) => void): void {
    const log = (error: unknown) => this.ports.log.error({ err: error }, 'processing an input failed; it was dropped');
    this.add(input, () => undefined, failed ?? log, false);
  }

  /** Resolves when no input with this key waits or is being stored. */
  whenFree(key: string): Promise<void> {
    if (!this.busy.has(key)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiters = this.keyWaiters.get(key);
      if (waiters) waiters.push(resolve);
      else this.keyWaiters.set(key, [resolve]);
    });
  }

  /** Resolves when no input waits or is being stored; inputs that were kept because the database refuses don't count. */
  idle(): Promise<void> {
    if (this.waiting.length === 0 && !this.isStoring && !this.isArmed) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  /** Tries again to store what was kept while the database refused writes. */
  retryKept(): void {
    if (this.kept.length > 0) this.arm();
  }

  private add(
    input: Input,
    settle: (refusal: Refusal | null) => void,
    fail: (error: unknown) => void,
    settlesAtEnd: boolean,
  ): void {
    this.ports.beforeInput?.();
    const waiting: Waiting = { ...input, turn: null, settle, fail, settlesAtEnd };
    const mustWait = input.onRefusal === 'retry' && this.kept.length > 0;
    if (!mustWait && this.isFree(input)) {
      const turn = this.prepare(waiting);
      if (turn === null) return;
      if (!turn.needsCommit) {
        this.ports.takeEffect([turn]);
        settle(null);
        return;
      }
      waiting.turn = turn;
    }
    if (this.waiting.length >= MAX_WAITING && input.isVital !== true) {
      if (!this.isOverloaded)
        this.ports.log.error({}, 'too many inputs wait for the database; further ones are dropped');
      this.isOverloaded = true;
      settle({ reason: OVERLOADED, kind: 'overload' });
      return;
    }
    this.isOverloaded = false;
    this.waiting.push(waiting);
    this.count(input, 1);
    this.arm();
  }

  /** True when nothing that an input depends on waits or is being stored. */
  private isFree({ keys }: Input): boolean {
    if (keys === 'everything') return this.waiting.length === 0 && !this.isStoring;
    return this.barriers === 0 && keys.every((key) => !this.busy.has(key));
  }

  private count({ keys }: Pick<Input, 'keys'>, by: 1 | -1): void {
    if (keys === 'everything') {
      this.barriers += by;
      return;
    }
    for (const key of keys) {
      const now = (this.busy.get(key) ?? 0) + by;
      if (now > 0) {
        this.busy.set(key, now);
        continue;
      }
      this.busy.delete(key);
      for (const resolve of this.keyWaiters.get(key) ?? []) resolve();
      this.keyWaiters.delete(key);
    }
  }

  /** Processing starts after the code that is running now, so that its inputs share a transaction. */
  private arm(): void {
    if (this.isArmed || this.isStoring) return;
    this.isArmed = true;
    queueMicrotask(() => {
      this.isArmed = false;
      void this.process();
    });
  }

  private async process(): Promise<void> {
    if (this.isStoring) return;
    this.isStoring = true;
    try {
      for (;;) {
        const refusal = await this.catchUp();
        if (refusal) this.refuseWaiting(refusal);
        const batch = this.nextBatch();
        if (batch.length === 0) break;
        await this.store(batch);
      }
    } finally {
      this.isStoring = false;
    }
    if (this.waiting.length > 0) this.arm();
    else for (const resolve of this.idleWaiters.splice(0)) resolve();
  }

  /**
   * The inputs to store next: of those that wait, the first for each key. Turns without a write take effect at once, which
   * may let further inputs of the same key in.
   */
  private nextBatch(): Prepared[] {
    const batch: Prepared[] = [];
    const taken = new Set<string>();
    const later: Waiting[] = [];
    const waiting = this.waiting;
    // Effects may add inputs meanwhile.
    this.waiting = [];
    let index = 0;
    for (; index < waiting.length; index += 1) {
      const input = waiting[index];
      if (input === undefined) break;
      const { keys } = input;
      const isBarrier = keys === 'everything';
      if (isBarrier && (batch.length > 0 || later.length > 0)) break;
      if (!isBarrier && (batch.length >= MAX_BATCH || keys.some((key) => taken.has(key)))) {
        for (const key of keys) taken.add(key);
        later.push(input);
        continue;
      }
      const turn = this.prepare(input);
      if (turn === null) {
        this.count(input, -1);
        continue;
      }
      if (!turn.needsCommit) {
        this.done([{ input, turn, busy: input }]);
        continue;
      }
      if (isBarrier) {
        const busy = { keys: turn.keys() };
        this.count(input, -1);
        this.count(busy, 1);
        batch.push({ input, turn, busy });
        index += 1;
        break;
      }
      for (const key of keys) taken.add(key);
      batch.push({ input, turn, busy: input });
    }
    this.waiting = [...later, ...waiting.slice(index), ...this.waiting];
    return batch;
  }

  private async store(batch: readonly Prepared[]): Promise<void> {
    const refusal = await this.commit(batch.map(({ turn }) => turn));
    if (refusal === null) {
      this.done(batch);
      return;
    }
    for (const prepared of batch) {
      // One of them violates a constraint; the others must still be stored.
      const isAlone = batch.length === 1 || refusal.kind !== 'constraint';
      const reason = isAlone ? refusal : await this.commit([prepared.turn]);
      if (reason === null) this.done([prepared]);
      else this.refuse(prepared, reason);
    }
  }

  private async commit(turns: readonly Turn[]): Promise<Refusal | null> {
    try {
      return await this.ports.commit(turns);
    } catch (error) {
      // The runner must go on whatever happens: else every host of the batch would stay busy.
      this.ports.log.error({ err: error }, 'storing a batch failed; it was dropped');
      return { reason: error instanceof Error ? error.message : String(error), kind: 'constraint' };
    }
  }

  private done(batch: readonly Prepared[]): void {
    this.ports.takeEffect(batch.map(({ turn }) => turn));
    for (const { input, busy } of batch) {
      this.count(busy, -1);
      input.settle(null);
    }
  }

  private refuse({ input, busy }: Omit<Prepared, 'turn'>, refusal: Refusal): void {
    this.count(busy, -1);
    // The database would refuse it for ever, and every kept input behind it would wait.
    const isKept = input.onRefusal === 'retry' && refusal.kind === 'storage' && this.keep(input);
    if (!isKept || !input.settlesAtEnd) input.settle(refusal);
  }

  /** False when there is no room for it. */
  private keep(input: Waiting): boolean {
    const key = input.keys === 'everything' ? 'everything' : (input.keys[0] ?? '');
    const ofKey = this.keptOf.get(key) ?? 0;
    if (this.kept.length >= MAX_KEPT || ofKey >= MAX_KEPT_OF_KEY) {
      if (!this.isFull)
        this.ports.log.error(
          { key },
          'too many inputs are kept until the database accepts writes; further ones are dropped',
        );
      this.isFull = true;
      return false;
    }
    this.keptOf.set(key, ofKey + 1);
    this.kept.push({ ...input, turn: null, settle: input.settlesAtEnd ? input.settle : () => undefined });
    return true;
  }

  /**
   * Before anything else is stored: the inputs kept while the database refused writes, so that no decision rests on a
   * state that one of them changes. The oldest one tries whether the database accepts writes; if so, the others wait in
   * front of all others. Returns why it still refuses.
   */
  private async catchUp(): Promise<Refusal | null> {
    const [oldest, ...others] = this.kept;
    if (oldest === undefined) return null;
    const turn = this.prepare(oldest);
    if (turn?.needsCommit === true) {
      const stored = { keys: turn.keys() };
      this.count(stored, 1);
      const refusal = await this.commit([turn]);
      if (refusal === null) this.ports.takeEffect([turn]);
      this.count(stored, -1);
      if (refusal?.kind === 'storage') return refusal;
      oldest.settle(refusal);
    } else if (turn) {
      this.ports.takeEffect([turn]);
      oldest.settle(null);
    }
    // Those that were kept meanwhile come after the others, as they came.
    others.push(...this.kept.slice(others.length + 1));
    this.kept = [];
    this.keptOf.clear();
    this.isFull = false;
    for (const input of others) this.count(input, 1);
    // Turns that were filled before these took effect are filled again.
    for (const input of this.waiting) input.turn = null;
    this.waiting = [...others, ...this.waiting];
    return null;
  }

  /** The database still refuses: what waits is kept, refused, or needs no write. */
  private refuseWaiting(refusal: Refusal): void {
    for (const input of this.waiting.splice(0)) {
      if (input.onRefusal === 'retry') {
        this.refuse({ input, busy: input }, refusal);
        continue;
      }
      const turn = this.prepare(input);
      if (turn === null) this.count(input, -1);
      else if (turn.needsCommit) this.refuse({ input, busy: input }, refusal);
      else this.done([{ input, turn, busy: input }]);
    }
  }

  /** Fills the turn of an input; null when its work throws. */
  private prepare(input: Waiting): Turn | null {
    if (input.turn) return input.turn;
    const turn = new Turn(this.ports.clock.now());
    try {
      input.work(turn);
      return turn;
    } catch (error) {
      input.fail(error);
      return null;
    }
  }
}
