/**
 * Step-up proofs for dangerous requests: a code of the second factor, or the password when none is set up. One proof is
 * valid for one request; a stolen or unattended session is not enough.
 */
import { plainText } from '@/lib/text/plain-text';
import type { Credentials } from './credentials';
import type { AuthEvents } from './auth-events';
import { verifyPassword } from './password';
import type { Session, StepUpResult } from './auth-service';
import { accountBucket, addressBucket, deviceBucket, type Throttle, type ThrottleKind } from '../throttle';

/** Longest proof that is checked. */
export const MAX_PROOF = 1_024;
const MAX_PURPOSE = 200;

export interface StepUpRequest {
  session: Session;
  /** As typed: a code from the app, a recovery code, or the password. */
  proof: string;
  /** What it is for, as recorded: `Reboot of 3 hosts`. */
  purpose: string;
  address: string;
}

export interface StepUp {
  /** The kind of proof that a user needs. */
  asksFor(userId: string): Promise<'code' | 'password'>;
  prove(request: StepUpRequest): Promise<StepUpResult>;
  /**
   * Checks the current password for a password change. It counts under the step-up limit when the password is the
   * proof; with a second factor it has its own limit, so that a correct password does not clear failed codes. Success
   * is not recorded.
   */
  checkPassword(request: StepUpRequest): Promise<StepUpResult>;
}

export function createStepUp(options: { events: AuthEvents; throttle: Throttle; credentials: Credentials }): StepUp {
  const { events, throttle, credentials } = options;

  type ProofMethod = 'totp' | 'recovery-code' | 'password';

  /** One limit for all purposes, counted before anything is computed. */
  async function limited(
    { session, proof, purpose, address }: StepUpRequest,
    check: (userId: string, proof: string) => Promise<ProofMethod | null>,
    kind: ThrottleKind = 'step-up',
  ): Promise<Exclude<StepUpResult, { kind: 'proven' }> | { kind: 'proven'; how: ProofMethod }> {
    const { userId, deviceId } = session;
    const buckets = [
      accountBucket(kind, userId),
      addressBucket(kind, address),
      ...(deviceId === '' ? [] : [deviceBucket(kind, deviceId)]),
    ];
    const attempt = await throttle.take(buckets);
    if (attempt.kind === 'blocked') return { kind: 'throttled', retryAfterMs: attempt.waitMs };
    const how = proof.length > MAX_PROOF ? null : await check(userId, proof);
    if (how !== null) {
      await throttle.clear(attempt.records);
      return { kind: 'proven', how };
    }
    const params = { session: session.idHash, purpose: plainText(purpose, MAX_PURPOSE) };
    await events({ by: session }, address, { action: 'auth.step-up.refused', params });
    return { kind: 'refused' };
  }

  const passwordOnly = async (userId: string, proof: string) =>
    (await verifyPassword(proof, await credentials.passwordHash(userId))) ? 'password' : null;

  async function currentProof(userId: string, proof: string): Promise<ProofMethod | null> {
    const secret = await credentials.totpSecret(userId);
    return secret === null ? passwordOnly(userId, proof) : credentials.checkSecondFactor(userId, secret, proof, true);
  }

  return {
    asksFor: async (userId) => ((await credentials.totpSecret(userId)) === null ? 'password' : 'code'),
    async prove(request) {
      const result = await limited(request, currentProof);
      if (result.kind !== 'proven') return result;
      const { session, address } = request;
      const by = { by: session };
      if (result.how === 'recovery-code') {
        await events(by, address, { action: 'auth.recovery-code', params: { for: 'step-up' } });
      }
      const purpose = plainText(request.purpose, MAX_PURPOSE);
      const params = { session: session.idHash, purpose, how: result.how };
      await events(by, address, { action: 'auth.step-up', params });
      return { kind: 'proven' };
    },
    async checkPassword(request) {
      const isProof = (await credentials.totpSecret(request.session.userId)) === null;
      const result = await limited(request, passwordOnly, isProof ? 'step-up' : 'present-password');
      return result.kind === 'proven' ? { kind: 'proven' } : result;
    },
  };
}
