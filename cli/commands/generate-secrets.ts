import { randomBytes } from 'node:crypto';
import { toString as drawQrCode } from 'qrcode';
import { encodeBase32 } from '@/lib/auth/operator/base32';
import { newTotpSecret, totpUri } from '@/lib/auth/operator/totp';
import { readArguments } from '../arguments';
import { EXIT, type Command } from '../command';
import { askForPasswordHash } from '../new-password';

const SECRET_BYTES = 32;
const ACCOUNT = 'operator';

export const generateSecrets: Command = {
  name: 'generate-secrets',
  summary: 'Generate the secrets of an installation, as lines for .env',
  help: `Usage: nixfleet generate-secrets [--password]

Prints new random secrets as lines for the .env file of a compose project:

  nixfleet generate-secrets >> .env && chmod 600 .env

Enter the address of the second factor (otpauth://) in an authenticator app; a terminal
also shows it as a QR code. The lines need no quotes, except the password hash, which is in
single quotes because of its $ characters.

  --password   ask for the operator's password as well, and add its hash`,
  async run({ args, terminal }) {
    const { values } = readArguments(args, { password: { type: 'boolean' } }, 0);
    const passwordHash = values.password === true ? await askForPasswordHash(terminal) : null;
    const secret = () => randomBytes(SECRET_BYTES).toString('base64url');
    const totp = newTotpSecret();
    const uri = totpUri(totp, ACCOUNT);

    if (passwordHash !== null) terminal.print(`NIXFLEET_PASSWORD_HASH='${passwordHash}'`);
    terminal.print(`NIXFLEET_SESSION_SECRET=${secret()}`);
    terminal.print(`NIXFLEET_AGENT_TOKEN=${secret()}`);
    terminal.print(`# For the authenticator app: ${uri}`);
    terminal.print(`NIXFLEET_TOTP_SECRET=${encodeBase32(totp)}`);
    terminal.print('# Encrypts backups. Keep a copy elsewhere: without it, they can never be opened:');
    terminal.print(`NIXFLEET_BACKUP_KEY=${secret()}`);
    terminal.print('# Lets Prometheus read /metrics:');
    terminal.print(`NIXFLEET_METRICS_TOKEN=${secret()}`);
    if (terminal.isInteractive) terminal.note(await drawQrCode(uri, { type: 'terminal', small: true }));
    return EXIT.done;
  },
};
