/**
 * What each path accepts: methods, and for a request with a body its kind, its size and who may send it. Next decodes a
 * body before anything of ours runs (the arguments of a server action before its session is looked up), so that all of
 * this is decided in front of it. A path without a rule accepts no body.
 */
import { MAX_ACTION_BODY_BYTES } from '@/lib/protocol/action-limits';
import { AUTH_ENDPOINTS } from '@/lib/protocol/auth-endpoints';
import type { JsonLimits } from '@/lib/protocol/json-limits';

/** The arguments of a server action, as Next's client sends them: JSON in `text/plain`, its id in `Next-Action`. */
export interface ActionRule {
  kind: 'action';
  /** True: a session has to resolve before a byte of the body is read, and every action of the build is accepted. */
  session: boolean;
  /** False: texts that React's decoder follows as references (`$1:a`, `$F2`) are refused; its client writes `$` as `$$`. */
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
  /** What a POST may carry; null where there is none. */
  post: BodyRule | null;
  /** The paths below a catch-all, by method; every other one is unknown. */
  endpoints?: Readonly<Record<'GET' | 'POST', readonly string[]>>;
}

/** How long a body may take: of somebody unknown, and of an operator on a slow line. */
export const STRANGER_BODY_MS = 10_000;
export const SESSION_BODY_MS = 60_000;

/** Set-up code, password, secret and code as long as their schema allows (1,464 characters), each escaped in JSON. */
export const MAX_SETUP_BODY_BYTES = 10 * 1024;
/** A password of 4,096 and a code of 256 characters, each character escaped, the token and an address of 2,000. */
export const MAX_SIGN_IN_BODY_BYTES = 16 * 1024;

const READ_ONLY: PathRule = { post: null };
/** A page of the signed-in operator. The greatest number of values is that of a dispatch to 5,000 hosts. */
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
/** Everybody who reaches the page may try its one action: a list of one flat object with four texts. */
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
    .replace(/\[(\\\.)*[^\]]+\]/g, (parameter) => (parameter.startsWith('[\\.') ? '(.+)' : '([^/]+)'));
  return { pattern, rule, matches: new RegExp(`^${source}$`) };
});

export interface MatchedRule {
  /** Null for a path that has no rule. */
  pattern: string | null;
  rule: PathRule;
}

const UNKNOWN: MatchedRule = { pattern: null, rule: READ_ONLY };

/**
 * The rule for a request target as it stands in the request: no decoding and no tidying, so that a path which Next
 * would read in another way has no rule, and so no body.
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
