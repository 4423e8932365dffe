/**
 * One clock for all ages on a page: the dashboard's, not the browser's. It ticks once a second while the page shows an
 * age, and stops in a hidden tab.
 */
const TICK_MS = 1_000;

const listeners = new Set<() => void>();
let offsetMs = 0;
let shown = 0;
let timer: ReturnType<typeof setInterval> | null = null;

/** The dashboard's time now, estimated, epoch milliseconds. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}

/** Sets the dashboard's time, epoch milliseconds. */
export function setServerTime(serverTime: number): void {
  offsetMs = serverTime - Date.now();
  tick();
}

/** The time for which ages are shown: it changes with the tick, so that all ages on a page agree. */
export function shownNow(): number {
  return timer === null ? serverNow() : shown;
}

/** Calls back with every tick. Returns a function that stops. */
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
