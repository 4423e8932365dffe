/**
 * Bounds the work for all peers of a kind in each turn of the event loop. Timers or immediates of each peer would all
 * run in one turn: a hundred peers with ten milliseconds each would block the loop for a second. Work runs at once
 * while the turn has time left and is queued after that; the queue runs for a few milliseconds per turn, lowest cost
 * first.
 */

/** Time for queued jobs in one turn. The last job may exceed it. */
export const TURN_MS = 10;
/** Time for all work in one turn, including work done at once. The last piece may exceed it. */
export const TURN_TOTAL_MS = 20;

interface Job {
  run: () => void;
  cost: () => number;
}

export class FairTurns {
  private jobs: Job[] = [];
  private armed = false;
  /** Work done in the current turn. */
  private spentMs = 0;

  /** `now`: milliseconds of a clock that never steps. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Counts work that was done at once, outside the queue. */
  spend(ms: number): void {
    this.spentMs += ms;
    this.arm();
  }

  /** True when nothing more may be done at once in this turn of the event loop. */
  get isSpent(): boolean {
    return this.spentMs >= TURN_TOTAL_MS;
  }

  /**
   * Runs a job in a later turn of the event loop, lowest `cost` first (the peer's recent use, evaluated in each turn),
   * then in order of addition. A job that throws does not lose the others.
   */
  add(run: () => void, cost: () => number = () => 0): void {
    this.jobs.push({ run, cost });
    this.arm();
  }

  private arm(): void {
    if (this.armed) return;
    this.armed = true;
    setImmediate(() => {
      this.armed = false;
      this.spentMs = 0;
      this.work();
    });
  }

  private work(): void {
    if (this.jobs.length === 0) return;
    const jobs = this.jobs.map(({ run, cost }) => ({ run, cost, atCost: cost() })).sort((a, b) => a.atCost - b.atCost);
    // Jobs added by these jobs run in the next turn.
    this.jobs = [];
    const since = this.now();
    let done = 0;
    try {
      for (const { run } of jobs) {
        done += 1;
        run();
        if (this.now() - since >= TURN_MS) break;
      }
    } finally {
      this.jobs = [...jobs.slice(done), ...this.jobs];
      if (this.jobs.length > 0) this.arm();
    }
  }
}
