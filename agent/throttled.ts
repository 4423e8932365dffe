/** Passes values on at most once in an interval: the first one at once, and the last one always. */
export interface Throttled<T> {
  push(value: T): void;
  /** Drops what still waits. */
  end(): void;
}

export function createThrottled<T>(intervalMs: number, pass: (value: T) => void): Throttled<T> {
  let timer: NodeJS.Timeout | null = null;
  let waiting: { value: T } | null = null;

  function push(value: T): void {
    if (timer !== null) {
      waiting = { value };
      return;
    }
    pass(value);
    timer = setTimeout(passWaiting, intervalMs);
  }

  function passWaiting(): void {
    timer = null;
    if (waiting === null) return;
    const { value } = waiting;
    waiting = null;
    push(value);
  }

  return {
    push,
    end() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      waiting = null;
    },
  };
}
