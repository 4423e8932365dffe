import { readArguments } from '../arguments';
import { EXIT, type Command } from '../command';
import { askForPasswordHash } from '../new-password';

export const hashPassword: Command = {
  name: 'hash-password',
  summary: 'Compute the bcrypt hash for NIXFLEET_PASSWORD_HASH',
  help: `Usage: nixfleet hash-password

Asks for a new password without showing it, and prints its bcrypt hash. In a pipe, reads
the password from standard input. It never takes the password from the command line, where
other users of the machine could read it.

Put the hash in single quotes in an .env file, because of its $ characters:
  NIXFLEET_PASSWORD_HASH='$2b$12$…'
In a compose file itself, double each $ instead.`,
  async run({ args, terminal }) {
    readArguments(args, {}, 0);
    terminal.print(await askForPasswordHash(terminal));
    return EXIT.done;
  },
};
