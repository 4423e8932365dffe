/** Samples of the events in `sign-in-event-kinds.ts`. */
import type { SIGN_IN_EVENT_KINDS } from '../../events/sign-in-event-kinds';
import type { EventSamples } from './event-sample';

export const SIGN_IN_EVENT_SAMPLES: EventSamples<keyof typeof SIGN_IN_EVENT_KINDS> = {
  'auth.setup': [
    { params: { secondFactor: true }, sentence: 'Password and second factor were set.' },
    { params: { secondFactor: false }, sentence: 'The password was set.' },
  ],
  'auth.setup.refused': [{ params: {}, sentence: 'The set-up page was opened with a wrong or used code.' }],
  'auth.configured': [
    {
      params: {},
      sentence: 'The password or second factor set by the environment has changed: all sessions ended.',
    },
  ],
  'auth.sign-in': [{ params: { session: 's1', userAgent: 'Firefox' }, sentence: 'Signed in.' }],
  'auth.sign-in.refused': [
    { params: { wrong: 'password', userAgent: 'Firefox' }, sentence: 'Sign-in refused: wrong password.' },
    {
      params: { wrong: 'code', userAgent: 'Firefox' },
      sentence: 'Sign-in refused: right password, wrong or used code.',
    },
  ],
  'auth.unlocked': [{ params: {}, sentence: 'The failed sign-in attempts were cleared.' }],
  'auth.sign-out': [{ params: { session: 's1' }, sentence: 'Signed out.' }],
  'auth.session.ended': [
    { params: { session: 's1' }, sentence: 'Ended another session.' },
    { params: { ended: 1 }, sentence: 'Ended the other session.' },
    { params: { ended: 3 }, sentence: 'Ended all 3 other sessions.' },
  ],
  'auth.step-up': [
    {
      params: { session: 's1', purpose: 'Reboot of 3 hosts', how: 'totp' },
      sentence: 'Confirmed their identity. Requested: Reboot of 3 hosts.',
    },
  ],
  'auth.step-up.refused': [
    {
      params: { session: 's1', purpose: 'Reboot of 3 hosts' },
      sentence: 'Confirmation refused: the code or password was wrong or already used. Requested: Reboot of 3 hosts.',
    },
  ],
  'auth.recovery-code': [
    { params: { for: 'sign-in' }, sentence: 'A recovery code was used to sign in.' },
    { params: { for: 'step-up' }, sentence: 'A recovery code was used in place of a code from the app.' },
  ],
  'auth.recovery-codes': [
    { params: {}, sentence: 'New recovery codes were created; the previous ones no longer work.' },
  ],
  'auth.password.changed': [
    { params: { session: 's1', endedSessions: 0 }, sentence: 'The password was changed.' },
    { params: { session: 's1', endedSessions: 1 }, sentence: 'The password was changed. 1 other session ended.' },
    { params: { session: 's1', endedSessions: 2 }, sentence: 'The password was changed. 2 other sessions ended.' },
  ],
  'auth.totp.enrolled': [{ params: { session: 's1', endedSessions: 0 }, sentence: 'A second factor was set up.' }],
  'auth.totp.replaced': [{ params: { session: 's1', endedSessions: 0 }, sentence: 'The second factor was replaced.' }],
  'auth.totp.removed': [
    {
      params: { session: 's1', endedSessions: 0 },
      sentence: 'The second factor was removed: signing in needs only the password.',
    },
  ],
};
