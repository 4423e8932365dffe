/**
 * Work that was put off so that others get their turn: a queue that is worked off a few milliseconds in each turn of the
 * event loop, first come, first served. One for all peers of a kind: timers or immediates of their own would all run in
 * one turn, and a hundred peers with ten milliseconds each would hold the loop for a second.
 */

/** How long one turn works off the queue. The last job may take longer. */
export const TURN_MS = 10;

export class FairTurns {
  private jobs: (() => void)[] = [];
  private armed = false;
  private turn = 0;

  /** `now`: milliseconds of a clock that never steps. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** The number of the present turn of the event loop: while it is the same, nobody else had a chance. */
  get current(): number {
    this.arm();
    return this.turn;
  }

  /** Runs a job in a later turn of the event loop, after those that were added before it. Jobs must not throw. */
  add(job: () => void): void {
    this.jobs.push(job);
    this.arm();
  }

  private arm(): void {
    if (this.armed) return;
    this.armed = true;
    setImmediate(() => {
      this.armed = false;
      this.turn += 1;
      this.work();
    });
  }

  private work(): void {
    if (this.jobs.length === 0) return;
    const jobs = this.jobs;
    // What the jobs add themselves is for the next turn.
    this.jobs = [];
    const until = this.now() + TURN_MS;
    let done = 0;
    while (done < jobs.length) {
      jobs[done]?.();
      done += 1;
      if (this.now() >= until) break;
    }
    if (done < jobs.length) this.jobs = [...jobs.slice(done), ...this.jobs];
    if (this.jobs.length > 0) this.arm();
  }
}
