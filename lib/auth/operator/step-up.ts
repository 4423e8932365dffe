/**
 * A fresh proof of who asks, for what could cost the fleet: a code of the second factor, or the password where none is
 * set up. One proof is good for one request; a session alone, stolen or left open, is not enough.
 */
import { plainText } from '@/lib/text/plain-text';
import type { Credentials } from './credentials';
import type { AuthEvents } from './auth-events';
import { passwordIsRight } from './password';
import type { Session, StepUpResult } from './auth-service';
import { accountBucket, addressBucket, deviceBucket, type Throttle, type ThrottleKind } from '../throttle';

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
  /**
   * Checks the present password, as a change of it asks. Under the limit of proofs where it is the proof; beside a second
   * factor under one of its own, so that a right password forgives no guessed code. Right: nothing is recorded.
   */
  checkPassword(request: StepUpRequest): Promise<StepUpResult>;
}

export function createStepUp(options: { events: AuthEvents; throttle: Throttle; credentials: Credentials }): StepUp {
  const { events, throttle, credentials } = options;

  type How = 'totp' | 'recovery-code' | 'password';

  /** One limit whatever the proof is for, counted before anything is computed. */
  async function limited(
    { session, proof, purpose, address }: StepUpRequest,
    check: (userId: string, proof: string) => Promise<How | null>,
    kind: ThrottleKind = 'step-up',
  ): Promise<Exclude<StepUpResult, { kind: 'proven' }> | { kind: 'proven'; how: How }> {
    const { userId, deviceId } = session;
    const buckets = [
      accountBucket(kind, userId),
      addressBucket(kind, address),
      ...(deviceId === '' ? [] : [deviceBucket(kind, deviceId)]),
    ];
    const waitMs = throttle.take(buckets);
    if (waitMs > 0) return { kind: 'throttled', retryAfterMs: waitMs };
    const how = proof.length > MAX_PROOF ? null : await check(userId, proof);
    if (how !== null) {
      throttle.clear(buckets);
      return { kind: 'proven', how };
    }
    const message = `A fresh proof was refused: wrong or used. Asked for: ${plainText(purpose, MAX_PURPOSE)}.`;
    const event = { action: 'auth.step-up.refused', level: 'warning', outcome: 'refused' } as const;
    events({ by: session }, { ...event, message, address, data: { session: session.idHash } });
    return { kind: 'refused' };
  }

  const passwordOnly = async (userId: string, proof: string) =>
    (await passwordIsRight(proof, credentials.passwordHash(userId))) ? 'password' : null;

  async function inForce(userId: string, proof: string): Promise<How | null> {
    const secret = credentials.totpSecret(userId);
    return secret === null ? passwordOnly(userId, proof) : credentials.checkSecondFactor(userId, secret, proof, true);
  }

  return {
    asksFor: (userId) => (credentials.totpSecret(userId) === null ? 'password' : 'code'),
    async prove(request) {
      const result = await limited(request, inForce);
      if (result.kind !== 'proven') return result;
      const { session, address } = request;
      const by = { by: session };
      if (result.how === 'recovery-code') {
        const message = 'A recovery code was used in place of a code from the app.';
        events(by, { action: 'auth.recovery-code', level: 'info', outcome: 'done', message, address });
      }
      const purpose = plainText(request.purpose, MAX_PURPOSE);
      const message = `Proved afresh who they are. Asked for: ${purpose}.`;
      const data = { session: session.idHash, purpose, how: result.how };
      events(by, { action: 'auth.step-up', level: 'info', outcome: 'done', message, address, data });
      return { kind: 'proven' };
    },
    async checkPassword(request) {
      const isProof = credentials.totpSecret(request.session.userId) === null;
      const result = await limited(request, passwordOnly, isProof ? 'step-up' : 'present-password');
      return result.kind === 'proven' ? { kind: 'proven' } : result;
    },
  };
}
