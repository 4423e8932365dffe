/** Variables that are set and have no effect. */
import {
  fileVariable,
  formerProxies,
  given,
  TRUST_HEADERS,
  TRUSTED_IPS,
  variables,
  type Environment,
} from './read-environment';
import { VARIABLES } from './variables';

const EVENTS = 'NIXFLEET_EVENT_DAYS decides how long events are kept';
const STALE = "each host's heartbeat interval decides when it is late";

/** Variables of earlier dashboards that have no effect here, and why. */
export const UNUSED_VARIABLES: Readonly<Record<string, string>> = {
  NIXFLEET_HEARTBEAT_INTERVAL: STALE,
  NIXFLEET_STALE_MULTIPLIER: STALE,
  NIXFLEET_STALE_MINIMUM: STALE,
  NIXFLEET_STALE_CLEANUP_INTERVAL: STALE,
  NIXFLEET_AUTO_PROVISION_AGENT_TOKENS: 'a host gets its token with an enrolment code, or in the interface',
  NIXFLEET_DEV_MODE: 'npm run dev starts a development server',
  NIXFLEET_ALLOW_LEGACY_UNSIGNED_SESSION_COOKIE: 'unsigned session cookies are never accepted',
  NIXFLEET_UI_ACTION_LOCK_MAX_SECONDS: 'a button is disabled exactly as long as its operation runs',
  NIXFLEET_STATUS_HISTORY_DAYS: EVENTS,
  NIXFLEET_SERVER_HOST: 'pages use the address that the browser used',
  NIXFLEET_GIT_HASH: 'the version is part of the build',
  // Documented by version 3, and never read.
  NIXFLEET_CMD_RETENTION_DAYS: 'commands are kept for 180 days, and their output for 30',
  NIXFLEET_LOG_RETENTION_DAYS: EVENTS,
  NIXFLEET_INIT_EVENT_LIMIT: 'the activity page shows all events',
  NIXFLEET_SYNC_BEACON_INTERVAL: 'open pages are always current',
};

/** What an earlier version accepted and this one does not use as written. */
export interface UnusedValue {
  /** The name of the variable. */
  variable: string;
  /** What is used instead, or why nothing is. */
  sentence: string;
  /** The newest version that accepted it. */
  of: FormerVersion;
}

export type FormerVersion = 'version 1' | 'version 3';

/** Names that only version 3 had, and only version 1. */
const OF_VERSION_3 =
  /^NIXFLEET_(?:HEARTBEAT_INTERVAL|STALE_\w+|(?:CMD|LOG)_RETENTION_DAYS|INIT_EVENT_LIMIT|SYNC_BEACON_INTERVAL)$/;

/** The version for which the environment was written, where a name that only it had is set; else null. */
export function formerEnvironment(env: Environment): FormerVersion | null {
  const former = new Set(variables().flatMap(([, { formerly }]) => formerly?.name ?? []));
  const names = Object.keys(env).filter((name) => given(env, name) !== null);
  if (names.some((name) => OF_VERSION_3.test(name))) return 'version 3';
  const isOfVersion1 = (name: string) =>
    former.has(name) || name in UNUSED_VARIABLES || name === TRUST_HEADERS || name === TRUSTED_IPS;
  return names.some(isOfVersion1) ? 'version 1' : null;
}

/** A variable without effect. `of`: null for a name that no earlier version had. */
export type UnusedVariable = Omit<UnusedValue, 'of'> & { of: FormerVersion | null };

/** Variables that are set and have no effect. */
export function unusedVariables(env: Environment): UnusedVariable[] {
  const known = new Set(
    variables().flatMap(([, one]) => [one.name, one.formerly?.name ?? one.name, fileVariable(one) ?? one.name]),
  );
  const found: UnusedVariable[] = [];
  const former = (variable: string, sentence: string) =>
    found.push({ variable, sentence, of: OF_VERSION_3.test(variable) ? 'version 3' : 'version 1' });
  for (const name of Object.keys(env).sort()) {
    if (!name.startsWith('NIXFLEET_') || known.has(name) || given(env, name) === null) continue;
    const why = UNUSED_VARIABLES[name];
    if (why !== undefined) former(name, `${name} is not used by this version: ${why}.`);
    else if (name === TRUST_HEADERS || name === TRUSTED_IPS) {
      if (formerProxies(env) === null) {
        former(
          name,
          `${name} is a name of version 1 and has no effect here: set NIXFLEET_TRUSTED_PROXIES to the proxies.`,
        );
      } else if (given(env, VARIABLES.trustedProxies.name) !== null) {
        former(name, `${name} is not used, because ${VARIABLES.trustedProxies.name} is set: remove it.`);
      }
    } else {
      const sentence = `${name} is not a variable of the dashboard and has no effect: check its spelling.`;
      found.push({ variable: name, sentence, of: null });
    }
  }
  for (const [, { name, formerly }] of variables()) {
    if (formerly && given(env, formerly.name) !== null && given(env, name) !== null) {
      former(formerly.name, `${formerly.name} is not used, because ${name} is set: remove it.`);
    }
  }
  return found;
}
