/**
 * What each path accepts: methods, and for a request with a body its kind, its size and who may send it. Next decodes a
 * body before our code runs (the arguments of a server action before its session is looked up), so this is decided
 * before Next. A path without a rule accepts no body.
 */
import type { JsonLimits } from '@/lib/protocol/json-limits';
import { MAX_ACTION_BODY_BYTES } from '@/lib/protocol/http/action-limits';
import { AUTH_ENDPOINTS } from '@/lib/protocol/http/auth-endpoints';

/** The arguments of a server action, as Next's client sends them: JSON in `text/plain`, its id in `Next-Action`. */
export interface ActionRule {
  kind: 'action';
  /** True: a valid session is required before a byte of the body is read, and every action of the build is accepted. */
  session: boolean;
  /**
   * False: strings that React's decoder follows as references (`$1:a`, `$F2`) are refused; its client escapes `$` as
   * `$$`.
   */
  references: boolean;
  maxBytes: number;
  maxMs: number;
  json: JsonLimits;
}

/** A form, url-encoded. */
export interface FormRule {
  kind: 'form';
  session: false;
  maxBytes: number;
  maxMs: number;
  maxFields: number;
}

export type BodyRule = ActionRule | FormRule;

export interface PathRule {
  /** The rule for a POST; null when it is not allowed. */
  post: BodyRule | null;
  /** The allowed paths below a catch-all, by method. */
  endpoints?: Readonly<Record<'GET' | 'POST', readonly string[]>>;
}

/** Time for a body: of an unknown client, and of an operator on a slow line. */
export const STRANGER_BODY_MS = 10_000;
export const SESSION_BODY_MS = 60_000;

/**
 * Set-up code, password, secret and code at their maximum lengths (1,464 characters), each character escaped in JSON.
 */
export const MAX_SETUP_BODY_BYTES = 10 * 1024;
/** A password of 4,096 and a code of 256 characters, each escaped, the token, and an address of 2,000. */
export const MAX_SIGN_IN_BODY_BYTES = 16 * 1024;

const READ_ONLY: PathRule = { post: null };
/** A page of the signed-in operator. A dispatch to 5,000 hosts has the most values. */
const OPERATOR_PAGE: PathRule = {
  post: {
    kind: 'action',
    session: true,
    references: true,
    maxBytes: MAX_ACTION_BODY_BYTES,
    maxMs: SESSION_BODY_MS,
    json: { maxDepth: 16, maxValues: 10_000 },
  },
};
/** Anyone who reaches the page may call its one action: a list of one flat object with four strings. */
const SETUP_PAGE: PathRule = {
  post: {
    kind: 'action',
    session: false,
    references: false,
    maxBytes: MAX_SETUP_BODY_BYTES,
    maxMs: STRANGER_BODY_MS,
    json: { maxDepth: 4, maxValues: 32 },
  },
};
const SIGN_IN: PathRule = {
  post: {
    kind: 'form',
    session: false,
    maxBytes: MAX_SIGN_IN_BODY_BYTES,
    maxMs: STRANGER_BODY_MS,
    maxFields: 16,
  },
  endpoints: AUTH_ENDPOINTS,
};

/** Every page and route of the build, by its pattern in Next's manifest. A test fails when one is missing. */
export const PATH_RULES: Readonly<Record<string, PathRule>> = {
  '/': OPERATOR_PAGE,
  '/activity': OPERATOR_PAGE,
  '/activity/export': READ_ONLY,
  '/activity/pipelines': OPERATOR_PAGE,
  '/activity/pipelines/[id]': OPERATOR_PAGE,
  '/settings': OPERATOR_PAGE,
  '/settings/about': OPERATOR_PAGE,
  '/settings/appearance': OPERATOR_PAGE,
  '/settings/backups': OPERATOR_PAGE,
  '/settings/configuration': OPERATOR_PAGE,
  '/settings/forge': OPERATOR_PAGE,
  '/settings/hosts': OPERATOR_PAGE,
  '/login': READ_ONLY,
  '/setup': SETUP_PAGE,
  '/api/auth/[...nextauth]': SIGN_IN,
  '/api/output/[commandId]': READ_ONLY,
  '/icon.svg': READ_ONLY,
};

const MATCHERS = Object.entries(PATH_RULES).map(([pattern, rule]) => {
  const source = pattern
    .replace(/[.]/g, '\\$&')
    .replace(/\[[^[\]]+\]/g, (parameter) => (parameter.startsWith('[\\.') ? '(.+)' : '([^/]+)'));
  return { pattern, rule, matches: new RegExp(`^${source}$`) };
});

export interface MatchedRule {
  /** Null for a path without a rule. */
  pattern: string | null;
  rule: PathRule;
}

const UNKNOWN: MatchedRule = { pattern: null, rule: READ_ONLY };

/**
 * The rule for a request target, taken literally: no decoding and no normalising, so a path that Next would read
 * differently has no rule and may carry no body.
 */
export function ruleFor(target: string, method: string): MatchedRule {
  const path = target.split('?', 1)[0] ?? '';
  for (const { pattern, rule, matches } of MATCHERS) {
    const match = matches.exec(path);
    if (match === null) continue;
    if (rule.endpoints === undefined) return { pattern, rule };
    const listed = method === 'POST' ? rule.endpoints.POST : rule.endpoints.GET;
    return listed.includes(match[1] ?? '') ? { pattern, rule } : UNKNOWN;
  }
  return UNKNOWN;
}
