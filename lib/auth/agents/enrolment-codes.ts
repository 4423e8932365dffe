/**
 * Enrolment codes: each lets one agent fetch a token of its own, once, until it expires. A code for any host takes in new
 * hosts and those without a token; only a code for a host by name may give a token to one that has one already.
 */
import type { AgentTokenStore, EnrolmentCodeRecord } from './agent-ports';
import { newSecret, secretHash, type AgentTokens } from './agent-tokens';
import type { Clock } from '../operator/auth-ports';

const PREFIX = 'nfe_';
/** Codes that can be used at one time. */
export const MAX_OPEN_CODES = 100;

export type EnrolOutcome =
  | { kind: 'enrolled'; token: string; hostId: string }
  /** No such code, or it was used, or it expired: who asks learns no more. */
  | { kind: 'wrong-code' }
  | { kind: 'refused'; message: string }
  /** It could not be stored. */
  | { kind: 'unavailable'; message: string };

export interface Enrolment {
  /** Open codes and those that ended within a month, newest first. */
  codes(): EnrolmentCodeRecord[];
  /** Gives the code in the clear, for this one answer; null when too many are open. */
  create(hostName: string | null, lifetimeMs: number, createdBy: string): string | null;
  /** The code that can no longer be used; null when there was none. */
  revoke(codeHash: string): EnrolmentCodeRecord | null;
  enrol(code: string, hostName: string, address: string): EnrolOutcome;
}

export interface EnrolmentOptions {
  store: AgentTokenStore;
  now: Clock;
  tokens: AgentTokens;
  /** Makes sure of the host in the fleet. */
  takeIn: (hostName: string, address: string) => { ok: true; hostId: string } | { ok: false; reason: string };
  isRefused: (hostName: string) => boolean;
}

export function createEnrolment({ store, now, tokens, takeIn, isRefused }: EnrolmentOptions): Enrolment {
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
      const host = takeIn(hostName, address);
      if (!host.ok) return { kind: 'unavailable', message: host.reason };
      if (known.hostName === null && tokens.hasOwn(host.hostId)) {
        const message = `${hostName} has a token already: to give it another one, make a code for ${hostName} by name.`;
        return { kind: 'refused', message };
      }
      const { issued, record } = tokens.make(host.hostId, hostName);
      const done = store.useCode(known.codeHash, record, tokens.overlapEnd());
      return done ? { kind: 'enrolled', token: issued.token, hostId: host.hostId } : { kind: 'wrong-code' };
    },
  };
}
