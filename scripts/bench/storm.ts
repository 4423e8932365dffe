/** How long a fleet needs to reconnect after all of its connections broke at once. */
import { SimulatedFleet } from '@/simulator/fleet';
import type { Target } from './latency';

const STORM_TIMEOUT_MS = 60_000;
const INTERVAL_MS = 5_000;

/** Milliseconds from the first connection attempt until every host is `registered` again. */
export async function measureStorm({ server, token }: Target, hosts: number): Promise<number> {
  const fleet = new SimulatedFleet({ url: `${server.ws}/ws`, token, hosts, intervalMs: INTERVAL_MS });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const missing = hosts - fleet.registeredCount;
      reject(new Error(`${missing} of ${hosts} hosts had not reconnected after ${STORM_TIMEOUT_MS / 1_000} s`));
    }, STORM_TIMEOUT_MS);
  });
  try {
    return await Promise.race([late, storm(fleet)]);
  } finally {
    clearTimeout(timer);
    await fleet.close();
  }
}

async function storm(fleet: SimulatedFleet): Promise<number> {
  const registered = fleet.whenRegistered();
  await fleet.connect();
  await registered;
  await fleet.dropAll();
  return fleet.reconnect();
}
