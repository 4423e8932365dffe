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

/** Runs work with the same key one at a time, in the order of the calls; work with other keys runs beside it. */
export class KeyedQueue {
  private readonly queues = new Map<string, { queue: WorkQueue; waiting: number }>();

  /** Gives what the work gives, or rejects with its error. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const known = this.queues.get(key) ?? { queue: new WorkQueue(), waiting: 0 };
    this.queues.set(key, known);
    known.waiting += 1;
    try {
      return await known.queue.run(work);
    } finally {
      known.waiting -= 1;
      if (known.waiting === 0) this.queues.delete(key);
    }
  }

  /** How many keys have work that has not ended. */
  get size(): number {
    return this.queues.size;
  }
}
