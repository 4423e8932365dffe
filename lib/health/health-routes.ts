/** `/health`, `/health/ready` and `/metrics`, answered without Next. */
import type { MetricsRegistry } from '@/lib/metrics/create-metrics';
import type { DirectResponse, DirectRoute } from '@/lib/edge/http/http';
import { isAlive, readiness, type HealthFacts, type Readiness } from './health-report';

/** The database check is a durable write, so more frequent requests get the last answer. */
const READINESS_AGE_MS = 5_000;

export interface HealthSources {
  alive: () => Pick<HealthFacts, 'now' | 'isStopping' | 'vitals' | 'hubBeatAgeMs'>;
  facts: () => Promise<HealthFacts>;
  metrics: MetricsRegistry;
  /** Checks the Authorization header for the metrics token; null when none is configured. */
  isValidToken: ((authorization: string | undefined) => boolean) | null;
}

/**
 * The routes by path. `/metrics` requires the metrics token; without a configured one it answers 404. `/health/ready`
 * answers with its status, and with the report only for that token: free disk and version are not for strangers.
 */
export function healthRoutes({ alive, facts, metrics, isValidToken }: HealthSources): ReadonlyMap<string, DirectRoute> {
  let last: { at: number; report: Readiness } | null = null;
  const routes = new Map<string, DirectRoute>();

  routes.set('/health', () => {
    const seen = alive();
    const status = seen.isStopping ? 'stopping' : isAlive(seen) ? 'ok' : 'stuck';
    return json(status === 'ok' ? 200 : 503, { status });
  });

  const isTrusted = (authorization: string | undefined) => isValidToken?.(authorization) ?? false;

  routes.set('/health/ready', async ({ headers }) => {
    const { now, isStopping } = alive();
    if (last === null || isStopping || Math.abs(now - last.at) >= READINESS_AGE_MS) {
      last = { at: now, report: readiness(await facts()) };
    }
    const { report } = last;
    const { status } = report;
    return json(status === 'failing' ? 503 : 200, isTrusted(headers.authorization) ? report : { status });
  });

  routes.set('/metrics', async ({ headers }) => {
    if (isValidToken === null) return json(404, { error: 'Set NIXFLEET_METRICS_TOKEN to enable metrics.' });
    if (isValidToken(headers.authorization)) {
      return { status: 200, type: metrics.contentType, body: await metrics.text() };
    }
    const refused = json(401, { error: 'Send the metrics token: Authorization: Bearer …' });
    return { ...refused, headers: { 'www-authenticate': 'Bearer realm="metrics"' } };
  });
  return routes;
}

function json(status: number, body: object): DirectResponse {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}
