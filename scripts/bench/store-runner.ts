/** Stores inputs as the fleet's runner does: one batch is on its way while the next gathers. */
import { performance } from 'node:perf_hooks';
import type { FleetWrites } from '@/lib/fleet/records/store-port';
import type { StorePorts } from '@/lib/store/thread/store-engine';

const GROUP_MS = 4;
const MAX_TURNS = 1_000;

interface Input {
  hostId: string;
  writes: FleetWrites;
}

/** Keeps the processor busy, as work on the event loop does. */
export function work(microseconds: number): void {
  const until = performance.now() + microseconds / 1_000;
  while (performance.now() < until);
}

export class StoreRunner {
  private waiting: Input[] = [];
  private isBusy = false;
  private timer: NodeJS.Timeout | null = null;
  private stored = 0;

  /** `expected`: how many inputs `done` waits for. `effectUs`: work on the event loop for each stored input. */
  constructor(
    private readonly fleet: Pick<StorePorts['fleet'], 'commit'>,
    private readonly expected: number,
    private readonly effectUs: number,
    /** Null when all are stored. */
    private readonly onDone: (error: Error | null) => void,
  ) {}

  put(input: Input): void {
    this.waiting.push(input);
    if (!this.isBusy) this.timer ??= setTimeout(() => this.store(), GROUP_MS);
  }

  private store(): void {
    this.timer = null;
    const batch: Input[] = [];
    const later: Input[] = [];
    const hosts = new Set<string>();
    // Inputs of one host can't share a batch.
    for (const input of this.waiting) {
      const fits = batch.length < MAX_TURNS && !hosts.has(input.hostId);
      (fits ? batch : later).push(input);
      hosts.add(input.hostId);
    }
    this.waiting = later;
    if (batch.length === 0) return;
    this.isBusy = true;
    const together: FleetWrites = {
      hosts: batch.flatMap(({ writes }) => writes.hosts ?? []),
      commands: batch.flatMap(({ writes }) => writes.commands ?? []),
      events: batch.flatMap(({ writes }) => writes.events ?? []),
    };
    this.fleet.commit(together).then(
      () => {
        this.isBusy = false;
        work(this.effectUs * batch.length);
        this.stored += batch.length;
        if (this.stored >= this.expected) this.onDone(null);
        else this.store();
      },
      (error: unknown) => this.onDone(error instanceof Error ? error : new Error('the store refused')),
    );
  }
}
