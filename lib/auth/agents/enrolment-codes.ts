/**
 * Enrolment codes: each lets one agent fetch a host token, once, until it expires. A code for any host admits new hosts
 * and hosts without a token; only a code for a named host may replace an existing token.
 */
import type { AgentTokenStore, EnrolmentCodeRecord } from './agent-ports';
import { newSecret, secretHash, type AgentTokens } from './agent-tokens';
import type { WallClock } from '../operator/auth-ports';

const PREFIX = 'nfe_';
/** Most usable codes at a time. */
export const MAX_OPEN_CODES = 100;

export type EnrolOutcome =
  | { kind: 'enrolled'; token: string; hostId: string }
  /** The code is unknown, used or expired; the client is not told which. */
  | { kind: 'wrong-code' }
  | { kind: 'refused'; message: string }
  /** It could not be stored. */
  | { kind: 'unavailable'; message: string };

export interface Enrolment {
  /** Open codes and those that ended within a month, newest first. */
  codes(): EnrolmentCodeRecord[];
  /** Returns the code in clear text, this once; null when too many are open. */
  create(hostName: string | null, lifetimeMs: number, createdBy: string): string | null;
  /** The revoked code; null when there was none. */
  revoke(codeHash: string): EnrolmentCodeRecord | null;
  enrol(code: string, hostName: string, address: string): EnrolOutcome;
}

export interface EnrolmentOptions {
  store: AgentTokenStore;
  now: WallClock;
  tokens: AgentTokens;
  /** Creates the host in the fleet if it does not exist. */
  enrolHost: (hostName: string, address: string) => { ok: true; hostId: string } | { ok: false; reason: string };
  isRefused: (hostName: string) => boolean;
}

export function createEnrolment({ store, now, tokens, enrolHost, isRefused }: EnrolmentOptions): Enrolment {
  const isOpen = (code: EnrolmentCodeRecord) => code.usedAt === null && code.expiresAt > now();

  return {
    codes: () => store.codes(),
    create(hostName, lifetimeMs, createdBy) {
      if (store.codes().filter(isOpen).length >= MAX_OPEN_CODES) return null;
      const code = newSecret(PREFIX);
      const at = now();
      store.addCode({
        codeHash: secretHash(code),
        hostName,
        createdAt: at,
        createdBy,
        expiresAt: at + lifetimeMs,
        usedAt: null,
        usedByHostId: null,
      });
      return code;
    },
    revoke(codeHash) {
      const code = store.code(codeHash);
      return code !== null && store.revokeCode(codeHash) ? code : null;
    },
    enrol(code, hostName, address) {
      const known = store.code(secretHash(code));
      if (known === null || !isOpen(known)) return { kind: 'wrong-code' };
      if (known.hostName !== null && known.hostName !== hostName) {
        return { kind: 'refused', message: `This code is for ${known.hostName}, not for ${hostName}.` };
      }
      if (known.hostName === null && isRefused(hostName)) {
        return { kind: 'refused', message: `${hostName} was refused by the operator.` };
      }
      const host = enrolHost(hostName, address);
      if (!host.ok) return { kind: 'unavailable', message: host.reason };
      if (known.hostName === null && tokens.hasHostToken(host.hostId)) {
        const message = `${hostName} already has a token. To replace it, create an enrolment code for ${hostName} by name.`;
        return { kind: 'refused', message };
      }
      const { issued, record } = tokens.make(host.hostId, hostName);
      const done = store.useCode(known.codeHash, record, tokens.overlapEnd());
      return done ? { kind: 'enrolled', token: issued.token, hostId: host.hostId } : { kind: 'wrong-code' };
    },
  };
}
