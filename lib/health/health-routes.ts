/** `/health`, `/health/ready` and `/metrics`, answered beside the pages. */
import type { Metrics } from '@/lib/metrics/create-metrics';
import type { OwnAnswer, OwnRoute } from '@/lib/edge/http/http';
import { isAlive, readiness, type HealthFacts } from './health-report';

/** The look at the database is a durable write: whoever asks more often gets the last answer. */
const READINESS_AGE_MS = 5_000;

export interface HealthSources {
  alive: () => Pick<HealthFacts, 'now' | 'isStopping' | 'vitals' | 'hubBeatAgeMs'>;
  facts: () => HealthFacts;
  metrics: Metrics;
  /** False when the header is not the right token; null when none is configured. */
  tokenIsRight: ((authorization: string | undefined) => boolean) | null;
}

/** The routes by path. Only `/metrics` asks for a token; without a configured one it is not there. */
export function healthRoutes({ alive, facts, metrics, tokenIsRight }: HealthSources): ReadonlyMap<string, OwnRoute> {
  let last: { at: number; answer: OwnAnswer } | null = null;
  const routes = new Map<string, OwnRoute>();

  routes.set('/health', () => {
    const seen = alive();
    const word = seen.isStopping ? 'stopping' : isAlive(seen) ? 'ok' : 'stuck';
    return json(word === 'ok' ? 200 : 503, { status: word });
  });

  routes.set('/health/ready', () => {
    const { now, isStopping } = alive();
    if (last === null || isStopping || Math.abs(now - last.at) >= READINESS_AGE_MS) {
      const report = readiness(facts());
      last = { at: now, answer: json(report.status === 'failing' ? 503 : 200, report) };
    }
    return last.answer;
  });

  routes.set('/metrics', async ({ headers }) => {
    if (tokenIsRight === null) return json(404, { error: 'Set NIXFLEET_METRICS_TOKEN to have metrics here.' });
    if (tokenIsRight(headers.authorization)) {
      return { status: 200, type: metrics.contentType, body: await metrics.text() };
    }
    const refused = json(401, { error: 'Send the metrics token: Authorization: Bearer …' });
    return { ...refused, headers: { 'www-authenticate': 'Bearer realm="metrics"' } };
  });
  return routes;
}

function json(status: number, body: object): OwnAnswer {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}
