/** Connects health and metrics to the running parts. */
import { freeBytes } from '@/lib/store/backup/backup-files';
import type { BackupService } from '@/lib/store/backup/backup-service';
import type { Config } from '@/lib/config';
import { equalSecrets } from '@/lib/auth/encryption';
import type { StoreEngine } from '@/lib/store/thread/store-engine';
import type { DesiredSource } from '@/lib/fleet/hosts/desired';
import type { FleetService } from '@/lib/fleet/service';
import type { MetricsRegistry } from '@/lib/metrics/create-metrics';
import type { AgentGateway } from '@/lib/edge/agents/agent-gateway';
import type { DirectRoute } from '@/lib/edge/http/http';
import type { LiveHub } from '@/lib/edge/browsers/live-gateway';
import type { RequestCounts } from '@/lib/edge/http/request-counts';
import { VERSION } from '@/lib/version';
import { healthRoutes } from './health-routes';
import type { LimitUse } from '@/lib/limits/limit-use';

/** A database that has not answered for this long counts as refusing. */
const MAX_ANSWER_MS = 5_000;

export interface HealthParts {
  config: Pick<Config, 'dataDir' | 'metricsToken'>;
  store: Pick<StoreEngine, 'maintenance' | 'vitals'>;
  fleet: FleetService;
  hub: LiveHub;
  agents: AgentGateway;
  desired: DesiredSource;
  backups: Pick<BackupService, 'status'>;
  metrics: MetricsRegistry;
  requests: RequestCounts;
  /** The dashboard's limits. */
  limits: { read: () => readonly LimitUse[] };
  isStopping: () => boolean;
}

/** The routes that the HTTP server answers directly. */
export function wireHealth(parts: HealthParts): ReadonlyMap<string, DirectRoute> {
  const { config, store, fleet, hub, agents, desired, backups, metrics } = parts;
  const now = () => Date.now();
  const diskFreeBytes = () => freeBytes(config.dataDir);
  const newestBackup = () => backups.status().backups[0] ?? null;
  metrics.observe({
    now,
    version: VERSION,
    vitals: () => fleet.vitals(),
    hosts: () => fleet.hostViews(),
    browsers: () => ({ count: hub.size, backlogBytes: hub.backlogBytes }),
    agents: () => agents,
    requests: () => parts.requests,
    backup: newestBackup,
    limits: () => parts.limits.read(),
    diskFreeBytes,
  });
  const alive = () => ({
    now: now(),
    isStopping: parts.isStopping(),
    vitals: fleet.vitals(),
    hubBeatAgeMs: hub.beatAgeMs,
  });
  let applied: Promise<readonly unknown[]> | null = null;
  const migrations = () => (applied ??= store.maintenance.appliedMigrations());
  return healthRoutes({
    alive,
    async facts() {
      const { problem, late } = backups.status();
      const seen = alive();
      return {
        ...seen,
        version: VERSION,
        // A refusing database may take seconds to answer, so it is not checked again; nor is one that does not answer.
        databaseIsWritable: seen.vitals.storageFault === null && (await isWritable(store)),
        migrations: (await migrations()).length,
        freeBytes: diskFreeBytes(),
        backups: { newest: newestBackup(), isWrong: problem !== null || late },
        desired: desired.state,
      };
    },
    metrics,
    isValidToken: config.metricsToken === null ? null : bearerIs(config.metricsToken),
  });
}

/** False when the database refuses writes, or has not answered for longer than any transaction takes. */
async function isWritable({ maintenance, vitals }: HealthParts['store']): Promise<boolean> {
  if (vitals().oldestMs > MAX_ANSWER_MS) return false;
  const tooLate = new Promise<null>((resolve) => setTimeout(() => resolve(null), MAX_ANSWER_MS).unref());
  const answer = await Promise.race([maintenance.checkWritable(), tooLate]);
  return answer?.kind === 'writable';
}

function bearerIs(token: string): (authorization: string | undefined) => boolean {
  return (authorization) => {
    const [, presented] = /^Bearer +(\S+)\s*$/i.exec(authorization ?? '') ?? [];
    return presented !== undefined && equalSecrets(presented, token);
  };
}
