/** The health report, without path, name or error text. */
import type { DesiredState } from '@/lib/fleet/hosts/desired';
import type { FleetVitals } from '@/lib/fleet/records/operator-port';

/**
 * The fleet ticks every second and the hub ten times as often; a later tick means that they hang. In `LoopTime`: a
 * stall that is over does not count, and a loop that hangs answers nobody.
 */
export const MAX_TICK_AGE_MS = 10_000;
/** Below this, writes will soon fail. */
const MIN_FREE_BYTES = 64 * 1_048_576;
/** A desired state that could not be fetched for this long is a fault. */
const DESIRED_GRACE_MS = 10 * 60_000;

export interface HealthFacts {
  now: number;
  isStopping: boolean;
  version: string;
  vitals: FleetVitals;
  /** Time since the browser hub last ran (ms of `LoopTime`). */
  hubBeatAgeMs: number;
  databaseIsWritable: boolean;
  migrations: number;
  freeBytes: number;
  backups: { newest: { createdAt: number; bytes: number } | null; isWrong: boolean };
  desired: DesiredState;
}

export type Readiness = ReturnType<typeof readiness>;

/** Whether the process works: the event loop turns, and the fleet and the hub run in it. */
export function isAlive(facts: Pick<HealthFacts, 'isStopping' | 'vitals' | 'hubBeatAgeMs'>): boolean {
  return !facts.isStopping && Math.max(facts.vitals.tickAgeMs, facts.hubBeatAgeMs) <= MAX_TICK_AGE_MS;
}

/** `failing`: it can't work. `degraded`: it works, but something needs attention. */
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
  const isHealthy = Object.values(checks).every(({ ok }) => ok);
  return {
    status: !isReady ? ('failing' as const) : isHealthy ? ('ready' as const) : ('degraded' as const),
    version: facts.version,
    checks,
  };
}
