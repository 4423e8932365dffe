/** Holds up or refuses the commits of a test's store. */
import { DatabaseError } from '@/lib/store/sqlite/store-errors';
import type { FleetStore } from '../records/store-port';
import { settle } from './test-fleet';

export class StoreGate {
  private isShut = false;
  private refusal: DatabaseError | null = null;
  private waiting: (() => void)[] = [];

  constructor(store: FleetStore) {
    const commit = store.commit.bind(store);
    store.commit = async (writes) => {
      if (this.isShut) await new Promise<void>((resolve) => this.waiting.push(resolve));
      if (this.refusal) throw this.refusal;
      return commit(writes);
    };
  }

  /** Commits wait from now on. */
  shut(): void {
    this.isShut = true;
  }

  /** Those that wait go on, and so do all later ones. */
  async open(): Promise<void> {
    this.isShut = false;
    for (const resolve of this.waiting.splice(0)) resolve();
    // Whatever follows, one commit after the other.
    for (let turns = 0; turns < 20; turns += 1) await settle();
  }

  /** Commits are refused from now on, as by a full disk or because they break a rule. */
  refuse(kind: 'disk-full' | 'constraint'): void {
    this.refusal = new DatabaseError(kind, 'The test refuses it.');
  }

  accept(): void {
    this.refusal = null;
  }
}
