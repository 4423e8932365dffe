/** Events that wait to be stored. They stay until a turn that has taken them takes effect. */
import type { NewEvent } from '../records/event-record';
import type { Turn } from './turn';

export class WaitingEvents {
  private events: NewEvent[] = [];
  /** How many of the first ones the last turn has taken. */
  private taken = 0;

  /** `max`: the number from which `isFull` holds. */
  constructor(private readonly max: number) {}

  get size(): number {
    return this.events.length;
  }

  get isFull(): boolean {
    return this.events.length >= this.max;
  }

  push(event: NewEvent): void {
    this.events.push(event);
  }

  /** Adds all to a turn. One turn at a time. */
  takeInto(turn: Turn): void {
    turn.events.push(...this.events);
    this.taken = this.events.length;
    turn.apply.push(() => void this.dropTaken());
  }

  /** Removes those that the last turn has taken; returns how many. */
  dropTaken(): number {
    const { taken } = this;
    this.events = this.events.slice(taken);
    this.taken = 0;
    return taken;
  }
}
