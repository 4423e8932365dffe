/** Runs one piece of work at a time, in the order of the calls. One that fails does not stop the next. */
export class WorkQueue {
  private last: Promise<unknown> = Promise.resolve();

  /** Gives what the work gives, or rejects with its error. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when everything that was asked for before has ended. */
  async settled(): Promise<void> {
    await this.last;
  }
}
