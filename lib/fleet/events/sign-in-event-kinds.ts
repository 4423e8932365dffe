/** Events of sign-in, sessions and the account. `session` is the hash that identifies a session. */
import { z } from 'zod';
import { eventKind } from './event-kind';
import { counted } from '@/lib/text/counted';

const session = z.string();
/** For a sentence without parameters, where there are details. */
const noParams: z.ZodType<Record<string, unknown>> = z.object({});

/** A change of the account, which ends the other sessions. */
const accountChange = (sentence: string) =>
  eventKind({
    params: z.object({ endedSessions: z.number() }),
    details: z.object({ session }),
    chain: 'main',
    category: 'auth',
    level: 'warning',
    outcome: 'done',
    sentence: ({ endedSessions }) =>
      endedSessions === 0 ? sentence : `${sentence} ${counted(endedSessions, 'other session')} ended.`,
  });

export const SIGN_IN_EVENT_KINDS = {
  'auth.setup': eventKind({
    /** Whether a second factor was set as well. */
    params: z.object({ secondFactor: z.boolean() }),
    chain: 'main',
    category: 'auth',
    level: 'success',
    outcome: 'done',
    sentence: ({ secondFactor }) => (secondFactor ? 'Password and second factor were set.' : 'The password was set.'),
  }),
  'auth.setup.refused': eventKind({
    params: z.object({}),
    chain: 'peers',
    category: 'auth',
    level: 'warning',
    outcome: 'refused',
    sentence: () => 'The set-up page was opened with a wrong or used code.',
  }),
  'auth.configured': eventKind({
    params: z.object({}),
    chain: 'main',
    category: 'auth',
    level: 'warning',
    outcome: 'done',
    sentence: () => 'The password or second factor set by the environment has changed: all sessions ended.',
  }),
  'auth.sign-in': eventKind({
    params: noParams,
    details: z.object({ session, userAgent: z.string() }),
    chain: 'main',
    category: 'auth',
    level: 'success',
    outcome: 'done',
    sentence: () => 'Signed in.',
  }),
  /** `wrong`: the password, or with the right password the code of the second factor. */
  'auth.sign-in.refused': eventKind({
    params: z.object({ wrong: z.enum(['password', 'code']) }),
    details: z.object({ userAgent: z.string() }),
    /** Only whoever knows the password gets as far as the code: nobody else can repeat that at will. */
    chain: ({ wrong }) => (wrong === 'password' ? 'peers' : 'main'),
    category: 'auth',
    level: 'warning',
    outcome: 'refused',
    sentence: ({ wrong }) =>
      wrong === 'password'
        ? 'Sign-in refused: wrong password.'
        : 'Sign-in refused: right password, wrong or used code.',
  }),
  'auth.unlocked': eventKind({
    params: z.object({}),
    chain: 'main',
    category: 'auth',
    level: 'warning',
    sentence: () => 'The failed sign-in attempts were cleared.',
  }),
  'auth.sign-out': eventKind({
    params: noParams,
    details: z.object({ session }),
    chain: 'main',
    category: 'auth',
    level: 'info',
    outcome: 'done',
    sentence: () => 'Signed out.',
  }),
  /** One session by its hash, or all others: then `ended` is their number. */
  'auth.session.ended': eventKind({
    params: z.object({ ended: z.number().optional() }),
    details: z.object({ session: session.optional() }),
    chain: 'main',
    category: 'auth',
    level: 'info',
    outcome: 'done',
    sentence: ({ ended }) => {
      if (ended === undefined) return 'Ended another session.';
      return ended === 1 ? 'Ended the other session.' : `Ended all ${ended} other sessions.`;
    },
  }),
  /** `purpose`: what the proof was for. */
  'auth.step-up': eventKind({
    params: z.object({ purpose: z.string() }),
    details: z.object({ session, how: z.enum(['totp', 'recovery-code', 'password']) }),
    chain: 'main',
    category: 'auth',
    level: 'info',
    outcome: 'done',
    sentence: ({ purpose }) => `Confirmed their identity. Requested: ${purpose}.`,
  }),
  'auth.step-up.refused': eventKind({
    params: z.object({ purpose: z.string() }),
    details: z.object({ session }),
    chain: 'main',
    category: 'auth',
    level: 'warning',
    outcome: 'refused',
    sentence: ({ purpose }) =>
      `Confirmation refused: the code or password was wrong or already used. Requested: ${purpose}.`,
  }),
  'auth.recovery-code': eventKind({
    params: z.object({ for: z.enum(['sign-in', 'step-up']) }),
    chain: 'main',
    category: 'auth',
    level: 'info',
    outcome: 'done',
    sentence: (params) =>
      params.for === 'sign-in'
        ? 'A recovery code was used to sign in.'
        : 'A recovery code was used in place of a code from the app.',
  }),
  'auth.recovery-codes': eventKind({
    params: z.object({}),
    chain: 'main',
    category: 'auth',
    level: 'info',
    outcome: 'done',
    sentence: () => 'New recovery codes were created; the previous ones no longer work.',
  }),
  'auth.password.changed': accountChange('The password was changed.'),
  'auth.totp.enrolled': accountChange('A second factor was set up.'),
  'auth.totp.replaced': accountChange('The second factor was replaced.'),
  'auth.totp.removed': accountChange('The second factor was removed: signing in needs only the password.'),
};
