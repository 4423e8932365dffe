/**
 * A fresh proof of who asks, for what could cost the fleet: a code of the second factor, or the password where none is
 * set up. One proof is good for one request; a session alone, stolen or left open, is not enough.
 */
import { plainText } from '@/lib/protocol/text';
import type { Credentials } from './credentials';
import type { AuthEvents } from './events';
import { passwordIsRight } from './password';
import type { AuthStore, Clock } from './ports';
import type { Session, StepUpResult } from './service';
import { accountBucket, addressBucket, deviceBucket, type Throttle } from './throttle';

/** Longest proof that is looked at. */
export const MAX_PROOF = 1_024;
const MAX_PURPOSE = 200;

export interface StepUpRequest {
  session: Session;
  /** As typed: a code from the app, a recovery code, or the password. */
  proof: string;
  /** What it is for, in words for the record: `Reboot of 3 hosts`. */
  purpose: string;
  address: string;
}

export interface StepUp {
  /** What a user is asked for. */
  asksFor(userId: string): 'code' | 'password';
  prove(request: StepUpRequest): Promise<StepUpResult>;
}

export function createStepUp(options: {
  store: AuthStore;
  now: Clock;
  events: AuthEvents;
  throttle: Throttle;
  credentials: Credentials;
}): StepUp {
  const { store, now, events, throttle, credentials } = options;

  async function check(userId: string, proof: string): Promise<'totp' | 'recovery-code' | 'password' | null> {
    const secret = credentials.totpSecret(userId);
    if (secret !== null) return credentials.checkSecondFactor(userId, secret, proof, true);
    return (await passwordIsRight(proof, credentials.passwordHash(userId))) ? 'password' : null;
  }

  return {
    asksFor: (userId) => (credentials.totpSecret(userId) === null ? 'password' : 'code'),
    async prove({ session, proof, purpose: typed, address }) {
      const { userId, deviceId } = session;
      // One limit whatever the proof is for, counted before anything is computed.
      const buckets = [
        accountBucket('step-up', userId),
        addressBucket('step-up', address),
        ...(deviceId === '' ? [] : [deviceBucket('step-up', deviceId)]),
      ];
      const waitMs = throttle.take(buckets);
      if (waitMs > 0) return { kind: 'throttled', retryAfterMs: waitMs };

      const purpose = plainText(typed, MAX_PURPOSE);
      const by = { by: session };
      const data = { session: session.idHash, purpose };
      const how = proof.length > MAX_PROOF ? null : await check(userId, proof);
      if (how === null) {
        const message = `A fresh proof was refused: wrong or used. Asked for: ${purpose}.`;
        events(by, { action: 'auth.step-up.refused', level: 'warning', outcome: 'refused', message, address, data });
        return { kind: 'refused' };
      }
      throttle.clear(buckets);
      store.markProven(session.idHash, now());
      if (how === 'recovery-code') {
        const message = 'A recovery code was used in place of a code from the app.';
        events(by, { action: 'auth.recovery-code', level: 'info', outcome: 'done', message, address });
      }
      const message = `Proved afresh who they are. Asked for: ${purpose}.`;
      events(by, { action: 'auth.step-up', level: 'info', outcome: 'done', message, address, data: { ...data, how } });
      return { kind: 'proven' };
    },
  };
}
