import { readArguments } from '../arguments';
import { EXIT, type Command } from '../command';
import { askForPasswordHash } from '../new-password';

export const hashPassword: Command = {
  name: 'hash-password',
  summary: 'Make the bcrypt hash for NIXFLEET_PASSWORD_HASH',
  help: `Usage: nixfleet hash-password

Asks for a new password, without showing it, and prints its bcrypt hash. In a pipe the
password is read from standard input. It is never taken from the command line, where
other users of the machine could read it.

Put the hash in single quotes in an .env file, because of its $ characters:
  NIXFLEET_PASSWORD_HASH='$2b$12$…'
Written into a compose file itself, each $ is doubled instead.`,
  async run({ args, terminal }) {
    readArguments(args, {}, 0);
    terminal.print(await askForPasswordHash(terminal));
    return EXIT.done;
  },
};
