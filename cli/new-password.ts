/** Asks for a new password and hashes it for `NIXFLEET_PASSWORD_HASH`. */
import { hash } from '@node-rs/bcrypt';
import { passwordProblem } from '@/lib/auth/operator/password-rule';
import { Problem } from './command';
import type { Terminal } from './terminal';

/** 2^12 rounds: about a quarter of a second (OWASP asks for 10 at least). */
const BCRYPT_COST = 12;
/** bcrypt ignores everything after this many bytes. */
const MAX_BCRYPT_BYTES = 72;

/** Reads the password (twice on a terminal) and returns its bcrypt hash. */
export async function askForPasswordHash(terminal: Terminal): Promise<string> {
  const password = await terminal.readSecret('New password (not shown): ');
  const problem = passwordProblem(password) ?? bcryptProblem(password);
  if (problem !== null) throw new Problem('failed', problem);
  if (terminal.isInteractive && (await terminal.readSecret('Repeat the password: ')) !== password) {
    throw new Problem('failed', 'The two passwords were not the same. Start again.');
  }
  return hash(password, { cost: BCRYPT_COST, rejectLongPasswords: true });
}

function bcryptProblem(password: string): string | null {
  if (password.includes('\0')) return 'A password can’t contain a NUL character.';
  if (Buffer.byteLength(password) <= MAX_BCRYPT_BYTES) return null;
  return (
    `Use at most ${MAX_BCRYPT_BYTES} bytes (an accented letter takes two): bcrypt ignores the rest. To use a longer password, ` +
    'set it in the browser instead: leave out NIXFLEET_PASSWORD_HASH.'
  );
}
