/** Turns faults of a forge into sentences that say what to do. */
import { plainText } from '@/lib/text/plain-text';
import { redactText } from '@/lib/git/repository-address';
import type { ForgeFault } from './forge';
import type { TransportFault } from './transport';

/** Longest rate-limit wait that is accepted; the header may hold anything. */
export const MAX_RETRY_AFTER_MS = 60 * 60_000;
/** Wait when the forge names no time (GitHub's advice). */
const DEFAULT_RETRY_AFTER_MS = 60_000;
const MAX_QUOTE = 200;

/** Names of the forge and of its configuration variables. */
export interface ForgeNames {
  /** `GitHub` */
  name: string;
  /** `owner/name` */
  repo: string;
  /** The server address without credentials. */
  server: string;
  urlVariable: string;
  tokenVariable: string;
  repoVariable: string;
  /** The permissions a token needs, in the forge's terms. */
  permissions: string;
  token: string | null;
}

export interface StatusAnswer {
  status: number;
  header: (name: string) => string | null;
  /** The forge's message; may be anything. */
  detail: unknown;
}

export function explainTransport({ problem, detail }: TransportFault, names: ForgeNames): ForgeFault {
  const check = `check ${names.urlVariable} and whether this machine can reach it`;
  const at = `${names.name} at ${names.server}`;
  switch (problem) {
    case 'stopped':
      return { kind: 'stopped', message: 'NixFleet is stopping: the forge is queried again after the next start.' };
    case 'timeout':
      return { kind: 'unreachable', message: `${at} did not answer within ${detail}: ${check}.` };
    case 'unreachable':
      return { kind: 'unreachable', message: `${at} cannot be reached (${plainText(detail, 60)}): ${check}.` };
    case 'too-large':
      return { kind: 'invalid', message: `${at} answered with ${detail}: check ${names.urlVariable}.` };
    case 'redirect':
      return {
        kind: 'invalid',
        message: `${at} redirects ${plainText(detail, 120)}: set ${names.urlVariable} to the address it leads to, or ${names.repoVariable} to the repository's new name.`,
      };
  }
}

/** An answer with a status of 400 or more. `doing`: the attempted action, as in "not allowed to <doing>". */
export function explainStatus(answer: StatusAnswer, doing: string, names: ForgeNames, now: number): ForgeFault {
  const { name, repo } = names;
  const rest = retryAfterOf(answer, now);
  if (rest !== null) {
    return {
      kind: 'rate-limited',
      message: `${name} has reached its rate limit: NixFleet sends no requests for ${inMinutes(rest)}.${names.token === null ? ` With a token in ${names.tokenVariable} the limit is far higher.` : ''}`,
      retryAfterMs: rest,
    };
  }
  const quote = quoteOf(answer.detail, names);
  const detail = quote === '' ? `HTTP status ${answer.status}` : `"${quote}"`;
  switch (answer.status) {
    case 401:
      return {
        kind: 'unauthorised',
        message:
          names.token === null
            ? `${name} requires a token for ${repo}: set ${names.tokenVariable} (${names.permissions}).`
            : `${name} refuses the token (${detail}): it is wrong, expired or revoked. Set ${names.tokenVariable} to a valid one.`,
      };
    case 403: {
      const needs = answer.header('x-accepted-github-permissions');
      const which = needs === null ? names.permissions : `GitHub requires ${plainText(needs, 100)}`;
      return {
        kind: 'forbidden',
        message: `The token is not allowed to ${doing} (${detail}): give the token in ${names.tokenVariable} the permission for ${repo} (${which}).`,
      };
    }
    case 404:
      return {
        kind: 'not-found',
        message: `NixFleet could not ${doing}: ${name} answered "not found". Check ${names.repoVariable} (${repo}) and that the token in ${names.tokenVariable} has access (${names.permissions}).`,
      };
    case 405:
    case 409:
    case 422:
    case 423:
      return { kind: 'refused', message: `${name} refused to ${doing}: ${detail}.` };
    default:
      return answer.status >= 500
        ? { kind: 'unreachable', message: `${name} failed (${detail}): NixFleet tries again later.` }
        : { kind: 'invalid', message: `${name} answered with ${detail}: check ${names.urlVariable}.` };
  }
}

/** A successful answer that could not be parsed. */
export function explainUnexpected(place: string, names: ForgeNames): ForgeFault {
  const where = place === '' ? '' : ` (at ${plainText(place, 100)})`;
  return {
    kind: 'invalid',
    message: `${names.server} does not answer like ${names.name}${where}: check that ${names.urlVariable} is the address of its API.`,
  };
}

/**
 * How long to wait, or null when this is not a rate limit: 429, or 403 with the headers of a limit (GitHub, "Rate
 * limits for the REST API": `retry-after` in seconds, else `x-ratelimit-reset` in epoch seconds when nothing remains).
 */
export function retryAfterOf(answer: StatusAnswer, now: number): number | null {
  const after = answer.header('retry-after');
  const isUsedUp = answer.header('x-ratelimit-remaining')?.trim() === '0';
  const words = typeof answer.detail === 'string' ? answer.detail : '';
  const isLimit =
    answer.status === 429 ||
    (answer.status === 403 && (after !== null || isUsedUp || /secondary rate limit|abuse detection/i.test(words)));
  if (!isLimit) return null;
  if (after !== null && /^\s*\d{1,9}\s*$/.test(after)) return bounded(Number(after) * 1_000);
  if (after !== null && Number.isFinite(Date.parse(after))) return bounded(Date.parse(after) - now);
  const reset = answer.header('x-ratelimit-reset');
  if (isUsedUp && reset !== null && /^\s*\d{1,12}\s*$/.test(reset)) return bounded(Number(reset) * 1_000 - now);
  return DEFAULT_RETRY_AFTER_MS;
}

const bounded = (ms: number): number => Math.min(MAX_RETRY_AFTER_MS, Math.max(1_000, ms));

function inMinutes(ms: number): string {
  if (ms < 60_000) return `${Math.ceil(ms / 1_000)} s`;
  const minutes = Math.ceil(ms / 60_000);
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}

function quoteOf(detail: unknown, { token }: ForgeNames): string {
  return typeof detail === 'string' ? plainText(redactText(detail, [token ?? '']), MAX_QUOTE) : '';
}
