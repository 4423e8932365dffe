/** Variables of what the dashboard reports about itself. */
import { LOG_LEVELS } from '@/lib/log';
import { boolean, choice, orFallback, type Parsed, type Parser } from '../parsers';
import { optional, variable, type Variable } from './variable';

const MIN_TOKEN = 16;

const metricsToken: Parser<string> = (raw): Parsed<string> =>
  raw.length >= MIN_TOKEN ? { ok: true, value: raw } : { ok: false, problem: `write at least ${MIN_TOKEN} characters` };

export const REPORT_VARIABLES = {
  metricsToken: variable({
    name: 'NIXFLEET_METRICS_TOKEN',
    prose:
      'Token for `/metrics`, which Prometheus sends as `Authorization: Bearer …`. Without it, `/metrics` does not exist.',
    parse: optional(metricsToken),
    fallback: null,
    fallbackText: 'not set',
    shows: 'secret',
  }),
  logLevel: variable({
    name: 'NIXFLEET_LOG_LEVEL',
    prose: `How much is logged: ${LOG_LEVELS.join(', ')}.`,
    parse: orFallback(choice(LOG_LEVELS), 'info', 'info'),
    fallback: 'info' as const,
    fallbackText: 'info',
  }),
  demo: variable({
    name: 'NIXFLEET_DEMO',
    prose: 'Show on every page that this is a demonstration.',
    parse: boolean,
    fallback: false,
    fallbackText: 'false',
  }),
} satisfies Record<string, Variable<unknown>>;
