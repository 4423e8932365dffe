/** The system clock as the domain's `Clock`. */
import type { Clock } from '@/lib/fleet/records/environment';

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
