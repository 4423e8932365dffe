import { SIGN_IN_KINDS } from '@/lib/auth/throttle';
import { NOBODY } from '@/lib/fleet/events';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import { createAuthStore } from '@/lib/store/sqlite/auth-store';
import { prepareEventLog } from '@/lib/store/sqlite/event-log';
import { changeBeside } from '@/lib/store/sqlite/open-beside';
import { readArguments } from '../arguments';
import { EXIT, type Command } from '../command';
import { requireConfig } from '../configuration';

export const unlock: Command = {
  name: 'unlock',
  summary: 'Let the operator sign in again after too many failed attempts',
  help: `Usage: nixfleet unlock

Failed attempts from anywhere make the sign-in of an unknown browser wait, up to 15 minutes
for the password and 4 hours for the code. This clears the failed attempts at password, code
and set-up, of every address. The dashboard may be running. The activity records it.

Without a shell on the machine: sign in with a recovery code, which ends the wait as well.`,
  run({ args, env, terminal }) {
    readArguments(args, {}, 0);
    const { dbPath } = requireConfig(env);
    changeBeside(dbPath, (db) => {
      createAuthStore(db).removeThrottlesOf(SIGN_IN_KINDS);
      prepareEventLog(db.$client, () => undefined)([unlocked(Date.now())]);
    });
    terminal.print('Sign-in is unlocked: the failed attempts of every address are cleared.');
    return Promise.resolve(EXIT.done);
  },
};

const unlocked = (at: number): NewEvent => ({
  ...NOBODY,
  at,
  actorKind: 'operator',
  actor: 'nixfleet unlock',
  action: 'auth.unlocked',
  params: {},
});
