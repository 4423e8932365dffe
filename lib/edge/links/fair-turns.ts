/**
 * The work for all peers of a kind, bounded in each turn of the event loop: timers or immediates of each peer would all
 * run in one turn, and a hundred peers with ten milliseconds each would hold the loop for a second. Work is done at once
 * while a turn's time lasts and queued after that; the queue is worked off a few milliseconds in each turn, those with the
 * lowest cost first.
 */

/** How long one turn works off the queue. The last job may take longer. */
export const TURN_MS = 10;
/** All work in one turn, with what is done at once. The last piece of work may take longer. */
export const TURN_TOTAL_MS = 20;

interface Job {
  run: () => void;
  cost: () => number;
}

export class FairTurns {
  private jobs: Job[] = [];
  private armed = false;
  /** Work of the present turn. */
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
   * Runs a job in a later turn of the event loop: those with the lowest `cost` (what the peer used lately, asked anew in
   * each turn) first, and of the same cost those that were added first. A fault of a job loses none of the others.
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
    // What the jobs add themselves is for the next turn.
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
