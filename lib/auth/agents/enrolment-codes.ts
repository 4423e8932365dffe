/**
 * Enrolment codes: each lets one agent fetch a host token, once, until it expires. A code for any host admits new hosts
 * and hosts without a token; only a code for a named host may replace an existing token.
 */
import type { AgentTokenStore, EnrolmentCodeRecord } from './agent-ports';
import { newSecret, secretHash, type AgentTokens } from './agent-tokens';
import type { WallClock } from '../operator/auth-ports';
import { WorkQueue } from '@/lib/limits/work-queue';

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
  codes(): Promise<EnrolmentCodeRecord[]>;
  /** Returns the code in clear text, this once; null when too many are open. */
  create(hostName: string | null, lifetimeMs: number, createdBy: string): Promise<string | null>;
  /** The revoked code; null when there was none. */
  revoke(codeHash: string): Promise<EnrolmentCodeRecord | null>;
  enrol(code: string, hostName: string, address: string): Promise<EnrolOutcome>;
}

type EnrolledHost = { ok: true; hostId: string } | { ok: false; reason: string };

export interface EnrolmentOptions {
  store: AgentTokenStore;
  now: WallClock;
  tokens: AgentTokens;
  /** Runs writes in order. */
  writes: WorkQueue;
  /** Creates the host in the fleet if it does not exist. */
  enrolHost: (hostName: string, address: string) => EnrolledHost | Promise<EnrolledHost>;
  isRefused: (hostName: string) => boolean;
}

export function createEnrolment(options: EnrolmentOptions): Enrolment {
  const { store, now, tokens, writes, enrolHost, isRefused } = options;
  const isOpen = (code: EnrolmentCodeRecord) => code.usedAt === null && code.expiresAt > now();
  /** One enrolment at a time: of two with one code, the second finds it used and creates no host. */
  const enrolments = new WorkQueue();

  async function openCode(codeHash: string): Promise<EnrolmentCodeRecord | null> {
    const code = await store.code(codeHash);
    return code !== null && isOpen(code) ? code : null;
  }

  async function enrolWith(codeHash: string, hostName: string, address: string): Promise<EnrolOutcome> {
    const code = await openCode(codeHash);
    if (code === null) return { kind: 'wrong-code' };
    if (code.hostName !== null && code.hostName !== hostName) {
      return { kind: 'refused', message: `This code is for ${code.hostName}, not for ${hostName}.` };
    }
    if (code.hostName === null && isRefused(hostName)) {
      return { kind: 'refused', message: `${hostName} was refused by the operator.` };
    }
    const host = await enrolHost(hostName, address);
    if (!host.ok) return { kind: 'unavailable', message: host.reason };
    const redeemed = await tokens.redeem(codeHash, { id: host.hostId, name: hostName }, code.hostName === null);
    switch (redeemed.kind) {
      case 'issued':
        return { kind: 'enrolled', token: redeemed.issued.token, hostId: host.hostId };
      case 'used-up':
        return { kind: 'wrong-code' };
      case 'has-token': {
        const message = `${hostName} already has a token. To replace it, create an enrolment code for ${hostName} by name.`;
        return { kind: 'refused', message };
      }
    }
  }

  return {
    codes: () => store.codes(),
    create: (hostName, lifetimeMs, createdBy) =>
      writes.run(async () => {
        if ((await store.codes()).filter(isOpen).length >= MAX_OPEN_CODES) return null;
        const code = newSecret(PREFIX);
        const at = now();
        await store.addCode({
          codeHash: secretHash(code),
          hostName,
          createdAt: at,
          createdBy,
          expiresAt: at + lifetimeMs,
          usedAt: null,
          usedByHostId: null,
        });
        return code;
      }),
    async revoke(codeHash) {
      const code = await store.code(codeHash);
      return code !== null && (await store.revokeCode(codeHash)) ? code : null;
    },
    async enrol(code, hostName, address) {
      const codeHash = secretHash(code);
      // A flood of wrong codes does not wait in the queue.
      if ((await openCode(codeHash)) === null) return { kind: 'wrong-code' };
      return enrolments.run(() => enrolWith(codeHash, hostName, address));
    },
  };
}
