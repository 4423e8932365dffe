/** A store whose calls run, and whose answers arrive, in an order that a seed decides. */
import type { Direct } from '@/lib/store/sqlite/later';

/** mulberry32: numbers from 0 up to 1, the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Method = (...args: unknown[]) => unknown;
const isMethod = (value: unknown): value is Method => typeof value === 'function';

/**
 * The port over a store that runs at once. Calls and answers wait together; in each turn of the event loop one of them,
 * picked at random, continues. So another call may run between any two calls, and no answer says which call ran last.
 */
export function answerInRandomOrder<Port>(direct: Direct<Port>, seed: number): Port {
  const random = randomNumbers(seed);
  const waiting: (() => void)[] = [];
  const goOn = () => {
    const [next] = waiting.splice(Math.floor(random() * waiting.length), 1);
    next?.();
    if (waiting.length > 0) setImmediate(goOn);
  };
  const later = (step: () => void) => {
    waiting.push(step);
    if (waiting.length === 1) setImmediate(goOn);
  };
  const methods = Object.entries<unknown>(direct).flatMap(([name, method]) =>
    isMethod(method)
      ? [
          [
            name,
            (...args: unknown[]) =>
              new Promise((resolve, reject) => {
                later(() => {
                  try {
                    const answer = method(...args);
                    later(() => resolve(answer));
                  } catch (error) {
                    later(() => reject(error instanceof Error ? error : new Error(String(error))));
                  }
                });
              }),
          ] as const,
        ]
      : [],
  );
  // `Direct` is `Port` without its promises, and each method above adds its promise again.
  return Object.fromEntries(methods) as Port;
}
