'use server';

import { z } from 'zod';
import { qrImage } from '@/app/_account/qr-image';
import type { AccountProblem } from '@/lib/auth/operator/account';
import { operatorAction, stepUpAction } from '@/lib/auth/next/action';
import type { StepUpError } from '@/lib/auth/next/action-result';
import { runtime } from '@/lib/dashboard/runtime';

const ACCOUNT = { verb: 'manage-account' } as const;
const nothing = z.object({});

/** Converts an account problem to an action error; its field becomes the issue's path. */
function asError(problem: AccountProblem | null): StepUpError | null {
  if (problem === null || problem.kind === 'throttled') return problem;
  return { kind: 'invalid', issues: [{ path: problem.field, message: problem.message }] };
}

/** Sets a new password. Without a second factor, the current password is the confirmation. */
export const changePassword = stepUpAction(
  ACCOUNT,
  z.object({ current: z.string().max(1_024), password: z.string().max(1_024) }),
  {
    purpose: () => 'Change the password',
    check: async (input, context) =>
      asError(await runtime().auth.account.passwordChangeProblem({ ...input, ...context })),
    needed: async (_input, { session }) => (await runtime().auth.stepUpAsksFor(session.userId)) === 'code',
  },
  ({ password }, { session, address }) => runtime().auth.account.changePassword({ session, address, password }),
);

/** Generates a secret for an authenticator app, with its QR code. Nothing is stored. */
export const offerSecondFactor = operatorAction(ACCOUNT, nothing, async () => {
  const { secret, uri } = runtime().auth.account.offerSecondFactor();
  return { secret, image: await qrImage(uri) };
});

/** Sets up or replaces the second factor. Requires a code generated with the new secret. */
export const enrolSecondFactor = stepUpAction(
  ACCOUNT,
  z.object({ secret: z.string().max(200), code: z.string().max(40) }),
  {
    purpose: () => 'Set up a second factor',
    check: async (input, context) => asError(await runtime().auth.account.enrolmentProblem({ ...input, ...context })),
  },
  (input, context) => runtime().auth.account.enrolSecondFactor({ ...input, ...context }),
);

/** Removes the second factor: afterwards the password alone is enough to sign in. */
export const removeSecondFactor = stepUpAction(
  ACCOUNT,
  nothing,
  {
    purpose: () => 'Remove the second factor',
    check: (_input, { session }) => asError(runtime().auth.account.removalProblem(session.userId)),
  },
  (_input, context) => runtime().auth.account.removeSecondFactor(context),
);

/** Replaces all recovery codes. */
export const renewRecoveryCodes = stepUpAction(
  ACCOUNT,
  nothing,
  { purpose: () => 'Create new recovery codes' },
  (_input, context) => runtime().auth.account.renewRecoveryCodes(context),
);

/** Ends another session of the same user. False when it had already ended. */
export const endSession = operatorAction(
  ACCOUNT,
  z.object({ id: z.string().length(64) }),
  ({ id }, { session, address }) => runtime().auth.endSession(id, session, address),
);

/** Ends all other sessions of the same user; gives their number. */
export const endOtherSessions = operatorAction(ACCOUNT, nothing, (_input, { session, address }) =>
  runtime().auth.endOtherSessions(session, address),
);
