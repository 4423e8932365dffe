/**
 * One clock for every age on a page: the dashboard's, not the browser's. It ticks once a second while something on
 * the page shows an age, and stands still in a hidden tab.
 */
const TICK_MS = 1_000;

const listeners = new Set<() => void>();
let offsetMs = 0;
let shown = 0;
let timer: ReturnType<typeof setInterval> | null = null;

/** The dashboard's time now, epoch milliseconds, as far as it is known. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}

/** Tells how far the dashboard's clock is ahead of this browser's, in milliseconds. */
export function setServerTime(serverTime: number): void {
  offsetMs = serverTime - Date.now();
  tick();
}

/** The time that ages are shown for: it moves with the tick, so that all of a page's ages agree. */
export function shownNow(): number {
  return timer === null ? serverNow() : shown;
}

/** Calls back with every tick. Returns the way to end it. */
export function onTick(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === null) {
    shown = serverNow();
    timer = setInterval(() => {
      if (!document.hidden) tick();
    }, TICK_MS);
    document.addEventListener('visibilitychange', tick);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
      document.removeEventListener('visibilitychange', tick);
    }
  };
}

function tick(): void {
  shown = serverNow();
  for (const listener of listeners) listener();
}
