/** How the dashboard does, from what its parts say of themselves. Anybody may read it: no path, name or error text. */
import type { DesiredState } from '@/lib/fleet/hosts/desired';
import type { FleetVitals } from '@/lib/fleet/records/operator-port';

/**
 * The fleet's clock ticks every second and the hub looks after browsers ten times as often: later than this, they hang.
 * In `LoopTime`: a stall that is over is none, and a loop that still hangs answers nobody.
 */
export const MAX_TICK_AGE_MS = 10_000;
/** Below this, writes fail soon. */
const MIN_FREE_BYTES = 64 * 1_048_576;
/** A desired state that could not be fetched for so many intervals is a fault. */
const DESIRED_GRACE_MS = 10 * 60_000;

export interface HealthFacts {
  now: number;
  isStopping: boolean;
  version: string;
  vitals: FleetVitals;
  /** How long ago the browsers' hub was at work (ms of `LoopTime`). */
  hubBeatAgeMs: number;
  databaseIsWritable: boolean;
  migrations: number;
  freeBytes: number;
  backups: { newest: { createdAt: number; bytes: number } | null; isWrong: boolean };
  desired: DesiredState;
}

/** Whether the process does its work: the event loop turns, and the fleet and the hub take part in it. */
export function isAlive(facts: Pick<HealthFacts, 'isStopping' | 'vitals' | 'hubBeatAgeMs'>): boolean {
  return !facts.isStopping && Math.max(facts.vitals.tickAgeMs, facts.hubBeatAgeMs) <= MAX_TICK_AGE_MS;
}

/** `failing`: it can't do its work. `degraded`: it does, and something has to be mended. */
export function readiness(facts: HealthFacts) {
  const { now, vitals, backups, desired } = facts;
  const seconds = (at: number | null) => (at === null ? null : Math.max(0, Math.round((now - at) / 1_000)));
  const alive = isAlive(facts);
  const checks = {
    fleet: { ok: alive, tick_age_seconds: Math.round(vitals.tickAgeMs / 1_000) },
    database: { ok: facts.databaseIsWritable && vitals.storageFault === null, migrations: facts.migrations },
    disk: { ok: facts.freeBytes >= MIN_FREE_BYTES, free_bytes: facts.freeBytes },
    backups: {
      ok: !backups.isWrong,
      newest_age_seconds: seconds(backups.newest?.createdAt ?? null),
      newest_bytes: backups.newest?.bytes ?? null,
    },
    desired_state: {
      ok: desired.error === null || now - desired.error.since < DESIRED_GRACE_MS,
      source: desired.source,
      fetched_age_seconds: seconds(desired.fetchedAt),
    },
  };
  const isReady = checks.fleet.ok && checks.database.ok;
  const isWhole = Object.values(checks).every(({ ok }) => ok);
  return {
    status: !isReady ? ('failing' as const) : isWhole ? ('ready' as const) : ('degraded' as const),
    version: facts.version,
    checks,
  };
}
