/**
 * Processes inputs, one turn each: stores the turn and lets it take effect. While a batch of turns is being stored, the
 * next one gathers, so that five hundred agents that answer one request share a few transactions. An input waits for the
 * earlier ones that it has a key in common with; one that changes nothing durable takes effect at once.
 */
import { Turn } from './turn';
import type { Clock, FleetLog } from '../records/environment';

/** Inputs kept while the database refuses writes; further ones are dropped. */
export const MAX_UNSTORED = 10_000;
/** Inputs that wait at most; further ones are refused. Agents are no longer read long before. */
export const MAX_WAITING = 50_000;
/** Turns that share a transaction at most. */
export const MAX_BATCH = 1_000;
const OVERLOADED = 'The dashboard has too much to store at the moment. Try again in a minute.';

/** What happens to an input whose turn can't be stored: `retry` keeps it until the database accepts writes again. */
export type OnRefusal = 'retry' | 'drop';

/** Why turns were not stored. `isPermanent`: they violate a constraint, so the database would always refuse them. */
export interface Refusal {
  reason: string;
  isPermanent: boolean;
}

export interface Input {
  /**
   * What the input reads and changes, as `hostKey` and its like. Inputs with a key in common are processed in order.
   * `everything`: it is processed alone, after all earlier ones and before all later ones.
   */
  keys: readonly string[] | 'everything';
  onRefusal: OnRefusal;
  /** Decides and fills the turn. It may be called again, so it must change nothing else. */
  work: (turn: Turn) => void;
}

interface Waiting extends Input {
  /** Its turn, if it could be filled when the input came: nothing that it depends on can change before it is stored. */
  turn: Turn | null;
  settle: (refusal: Refusal | null) => void;
  /** Its work has thrown. */
  fail: (error: unknown) => void;
}

interface Prepared {
  input: Waiting;
  turn: Turn;
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
  private unstored: Waiting[] = [];
  private idleWaiters: (() => void)[] = [];
  private readonly keyWaiters = new Map<string, (() => void)[]>();

  constructor(private readonly ports: TurnPorts) {}

  /** The number of inputs kept while the database refuses writes. */
  get unstoredCount(): number {
    return this.unstored.length;
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
    return new Promise((resolve, reject) => this.add(input, resolve, reject));
  }

  /** As `settled`, with the reason alone. */
  async run(input: Input): Promise<string | null> {
    return (await this.settled(input))?.reason ?? null;
  }

  /** As `settled`, where nobody waits for the end. An error of its work is logged unless `failed` takes it. */
  post(input: Input, failed?: (error: unknown) => void): void {
    const log = (error: unknown) => this.ports.log.error({ err: error }, 'processing an input failed; it was dropped');
    this.add(input, () => undefined, failed ?? log);
  }

  /** Resolves when no input with this key waits or is being stored. */
  whenFree(key: string): Promise<void> {
    if (!this.busy.has(key)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiters = this.keyWaiters.get(key) ?? [];
      this.keyWaiters.set(key, [...waiters, resolve]);
    });
  }

  /** Resolves when no input waits or is being stored; inputs that were kept because the database refuses don't count. */
  idle(): Promise<void> {
    if (this.waiting.length === 0 && !this.isStoring) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  /** Tries again to store what was kept while the database refused writes. */
  retryUnstored(): void {
    if (this.unstored.length > 0) this.arm();
  }

  private add(input: Input, settle: (refusal: Refusal | null) => void, fail: (error: unknown) => void): void {
    this.ports.beforeInput?.();
    const waiting: Waiting = { ...input, turn: null, settle, fail };
    const mustWait = this.fault !== null && input.onRefusal === 'retry' && this.unstored.length > 0;
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
    if (this.waiting.length >= MAX_WAITING) {
      if (!this.isOverloaded)
        this.ports.log.error({}, 'too many inputs wait for the database; further ones are dropped');
      this.isOverloaded = true;
      settle({ reason: OVERLOADED, isPermanent: true });
      return;
    }
    this.isOverloaded = false;
    this.waiting.push(waiting);
    this.count(input, 1);
    this.arm();
  }

  private get fault(): string | null {
    return this.ports.fault();
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
        this.count(input, -1);
        this.ports.takeEffect([turn]);
        input.settle(null);
        continue;
      }
      if (isBarrier) {
        // While it is being stored, the hosts that it changes are busy, and no others.
        const stored = { ...input, keys: turn.keys(), turn };
        this.count(input, -1);
        this.count(stored, 1);
        batch.push({ input: stored, turn });
        index += 1;
        break;
      }
      for (const key of keys) taken.add(key);
      batch.push({ input, turn });
    }
    this.waiting = [...later, ...waiting.slice(index), ...this.waiting];
    return batch;
  }

  private async store(batch: readonly Prepared[]): Promise<void> {
    const refusal = await this.ports.commit(batch.map(({ turn }) => turn));
    if (refusal === null) {
      this.done(batch);
      return;
    }
    for (const prepared of batch) {
      // One of them violates a constraint; the others must still be stored.
      const isAlone = batch.length === 1 || !refusal.isPermanent;
      const reason = isAlone ? refusal : await this.ports.commit([prepared.turn]);
      if (reason === null) this.done([prepared]);
      else this.refuse(prepared.input, reason);
    }
  }

  private done(batch: readonly Prepared[]): void {
    for (const { input } of batch) this.count(input, -1);
    this.ports.takeEffect(batch.map(({ turn }) => turn));
    for (const { input } of batch) input.settle(null);
  }

  private refuse(input: Waiting, refusal: Refusal): void {
    this.count(input, -1);
    // The database would refuse it for ever, and every kept input behind it would wait.
    if (input.onRefusal === 'retry' && !refusal.isPermanent) this.keep(input);
    input.settle(refusal);
  }

  private keep(input: Waiting): void {
    if (this.unstored.length < MAX_UNSTORED) this.unstored.push({ ...input, turn: null, settle: () => undefined });
  }

  /**
   * Before anything else is stored: the inputs kept while the database refused writes, so that no decision rests on a
   * state that one of them changes. The oldest one tests whether the database accepts writes. Returns why it still refuses.
   */
  private async catchUp(): Promise<Refusal | null> {
    while (this.unstored.length > 0) {
      const oldest = this.unstored[0];
      if (oldest === undefined) return null;
      const turn = this.prepare(oldest);
      if (turn?.needsCommit === true) {
        const stored = { keys: turn.keys() };
        this.count(stored, 1);
        const refusal = await this.ports.commit([turn]);
        this.count(stored, -1);
        if (refusal !== null && !refusal.isPermanent) return refusal;
        this.unstored.shift();
        if (refusal === null) this.caughtUp(turn);
        continue;
      }
      this.unstored.shift();
      if (turn) this.caughtUp(turn);
    }
    return null;
  }

  /** A kept input takes effect now, so turns that were filled before it are filled again. */
  private caughtUp(turn: Turn): void {
    for (const input of this.waiting) input.turn = null;
    this.ports.takeEffect([turn]);
  }

  /** The database still refuses: what waits is kept, refused, or needs no write. */
  private refuseWaiting(refusal: Refusal): void {
    for (const input of this.waiting.splice(0)) {
      if (input.onRefusal === 'retry') {
        this.refuse(input, refusal);
        continue;
      }
      const turn = this.prepare(input);
      if (turn === null) this.count(input, -1);
      else if (turn.needsCommit) this.refuse(input, refusal);
      else this.done([{ input, turn }]);
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
