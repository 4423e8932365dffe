/** What went wrong with a forge, in a sentence that says what to do. */
import { plainText } from '@/lib/text/plain-text';
import { redactText } from '@/lib/git/repository-address';
import type { ForgeFault } from './forge';
import type { TransportFault } from './transport';

/** Longest time that a forge may ask to be left alone for; its header may hold anything. */
export const MAX_REST_MS = 60 * 60_000;
/** Where it does not say for how long (GitHub's advice). */
const DEFAULT_REST_MS = 60_000;
const MAX_QUOTE = 200;

/** Of whom is spoken, and where it is configured. */
export interface ForgeNames {
  /** `GitHub` */
  name: string;
  /** `owner/name` */
  repo: string;
  /** The server as an operator may read it. */
  server: string;
  urlVariable: string;
  tokenVariable: string;
  repoVariable: string;
  /** What a token needs, in the forge's own words. */
  permissions: string;
  token: string | null;
}

export interface StatusAnswer {
  status: number;
  header: (name: string) => string | null;
  /** The forge's own words; may be anything. */
  detail: unknown;
}

export function explainTransport({ problem, detail }: TransportFault, names: ForgeNames): ForgeFault {
  const check = `check ${names.urlVariable} and whether this machine reaches it`;
  const at = `${names.name} at ${names.server}`;
  switch (problem) {
    case 'stopped':
      return { kind: 'stopped', message: 'NixFleet stops: the forge is asked again after the next start.' };
    case 'timeout':
      return { kind: 'unreachable', message: `${at} did not answer within ${detail}: ${check}.` };
    case 'unreachable':
      return { kind: 'unreachable', message: `${at} cannot be reached (${plainText(detail, 60)}): ${check}.` };
    case 'too-large':
      return { kind: 'invalid', message: `${at} answered with ${detail}: check ${names.urlVariable}.` };
    case 'redirect':
      return {
        kind: 'invalid',
        message: `${at} redirects ${plainText(detail, 120)}: write the address that it leads to into ${names.urlVariable}, or the repository's new name into ${names.repoVariable}.`,
      };
  }
}

/** An answer with a status of 400 or more. `doing`: what was tried, as in "may not <doing>". */
export function explainStatus(answer: StatusAnswer, doing: string, names: ForgeNames, now: number): ForgeFault {
  const { name, repo } = names;
  const rest = restAsked(answer, now);
  if (rest !== null) {
    return {
      kind: 'rate-limited',
      message: `${name} wants to be left alone for ${inMinutes(rest)} (rate limit): nothing is asked until then.${names.token === null ? ` With a token in ${names.tokenVariable} the limit is far higher.` : ''}`,
      retryAfterMs: rest,
    };
  }
  const quote = ownWords(answer.detail, names);
  const said = quote === '' ? `HTTP status ${answer.status}` : `"${quote}"`;
  switch (answer.status) {
    case 401:
      return {
        kind: 'unauthorised',
        message:
          names.token === null
            ? `${name} wants a token for ${repo}: put one into ${names.tokenVariable} (${names.permissions}).`
            : `${name} refuses the token (${said}): it is wrong, expired or revoked. Put a valid one into ${names.tokenVariable}.`,
      };
    case 403: {
      const needs = answer.header('x-accepted-github-permissions');
      const which = needs === null ? names.permissions : `GitHub asks for ${plainText(needs, 100)}`;
      return {
        kind: 'forbidden',
        message: `The token may not ${doing} (${said}): give the token of ${names.tokenVariable} the permission for ${repo} (${which}).`,
      };
    }
    case 404:
      return {
        kind: 'not-found',
        message: `${name} knows nothing of this (to ${doing}), or hides it: check ${names.repoVariable} (${repo}) and that the token of ${names.tokenVariable} may see it (${names.permissions}).`,
      };
    case 405:
    case 409:
    case 422:
    case 423:
      return { kind: 'refused', message: `${name} refuses to ${doing}: it says ${said}.` };
    default:
      return answer.status >= 500
        ? { kind: 'unreachable', message: `${name} has a fault of its own (${said}): it is asked again later.` }
        : { kind: 'invalid', message: `${name} answered with ${said}: check ${names.urlVariable}.` };
  }
}

/** An answer that is well but not understood. */
export function explainGarbage(place: string, names: ForgeNames): ForgeFault {
  const where = place === '' ? '' : ` (at ${plainText(place, 100)})`;
  return {
    kind: 'invalid',
    message: `${names.server} does not answer as ${names.name} does${where}: check that ${names.urlVariable} is the address of its API.`,
  };
}

/**
 * How long to rest, or null when this is no limit: 429, or 403 with the headers of a limit (GitHub, "Rate limits for
 * the REST API": `retry-after` in seconds, else `x-ratelimit-reset` in epoch seconds when nothing remains).
 */
export function restAsked(answer: StatusAnswer, now: number): number | null {
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
  return DEFAULT_REST_MS;
}

const bounded = (ms: number): number => Math.min(MAX_REST_MS, Math.max(1_000, ms));

function inMinutes(ms: number): string {
  if (ms < 60_000) return `${Math.ceil(ms / 1_000)} s`;
  const minutes = Math.ceil(ms / 60_000);
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}

function ownWords(detail: unknown, { token }: ForgeNames): string {
  return typeof detail === 'string' ? plainText(redactText(detail, [token ?? '']), MAX_QUOTE) : '';
}
