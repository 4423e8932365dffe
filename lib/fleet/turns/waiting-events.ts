/** Events that wait to be stored. They stay until a turn that has taken them takes effect. */
import type { FleetLog } from '../records/environment';
import type { NewEvent } from '../records/event-record';
import type { Turn } from './turn';
import type { Refusal, TurnRunner } from './turn-runner';

export class WaitingEvents {
  private events: NewEvent[] = [];
  /** How many the next turn takes at most: fewer after the database rejected one of several. */
  private limit = Infinity;
  /** The input that will store them, until it has taken them into its turn. */
  private storing: { ended: Promise<void> } | null = null;

  /** `key`: that of the inputs that store them. `max`: the number from which `isFull` holds. */
  constructor(
    private readonly turns: Pick<TurnRunner, 'settled'>,
    private readonly log: FleetLog,
    private readonly key: string,
    private readonly max: number,
  ) {}

  get size(): number {
    return this.events.length;
  }

  get isFull(): boolean {
    return this.events.length >= this.max;
  }

  push(event: NewEvent): void {
    this.events.push(event);
  }

  /**
   * Stores all that wait, in one transaction. If one of them violates a constraint, halves of them are tried, so that only
   * that one is dropped. Resolves when none is left, or when the database refuses writes or is too busy: then they stay.
   */
  store(): Promise<void> {
    if (this.storing) return this.storing.ended;
    const storing = { ended: Promise.resolve() };
    this.storing = storing;
    const release = () => {
      if (this.storing === storing) this.storing = null;
    };
    let taken: readonly NewEvent[] = [];
    const work = (turn: Turn) => {
      release();
      taken = this.events.slice(0, this.limit);
      turn.events.push(...taken);
      turn.apply.push(() => this.stored(taken));
    };
    const end = (refusal: Refusal | null): Promise<void> | undefined => {
      // An overloaded runner drops an input without calling its work.
      release();
      if (refusal?.kind === 'constraint') this.rejected(taken, refusal);
      else if (refusal !== null) return undefined;
      return this.limit < Infinity && this.size > 0 ? this.store() : undefined;
    };
    storing.ended = this.turns.settled({ keys: [this.key], onRefusal: 'drop', work }).then(end);
    return storing.ended;
  }

  private stored(events: readonly NewEvent[]): void {
    this.remove(events);
    this.limit = this.size === 0 ? Infinity : this.limit * 2;
  }

  private rejected(events: readonly NewEvent[], { reason }: Refusal): void {
    this.limit = Math.max(1, Math.ceil(events.length / 2));
    if (events.length > 1) return;
    for (const { action } of events)
      this.log.error({ action, reason }, 'dropped an event that the database does not accept');
    this.remove(events);
    if (this.size === 0) this.limit = Infinity;
  }

  private remove(events: readonly NewEvent[]): void {
    const gone = new Set(events);
    this.events = this.events.filter((event) => !gone.has(event));
  }
}
