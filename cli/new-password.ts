/** Asks for a new password and hashes it for `NIXFLEET_PASSWORD_HASH`. */
import { hash } from '@node-rs/bcrypt';
import { passwordProblem } from '@/lib/auth/operator/password-rule';
import { Problem } from './command';
import type { Terminal } from './terminal';

/** 2^12 rounds: about a quarter of a second (OWASP asks for 10 at least). */
const BCRYPT_COST = 12;
/** bcrypt looks at no more bytes than these: what follows would count for nothing. */
const MAX_BCRYPT_BYTES = 72;

/** Reads the password, twice where a person types it, and gives its bcrypt hash. */
export async function askForPasswordHash(terminal: Terminal): Promise<string> {
  const password = await terminal.readSecret('New password (not shown): ');
  const problem = passwordProblem(password) ?? bcryptProblem(password);
  if (problem !== null) throw new Problem('failed', problem);
  if (terminal.isInteractive && (await terminal.readSecret('Once more: ')) !== password) {
    throw new Problem('failed', 'The two were not the same: start again.');
  }
  return hash(password, { cost: BCRYPT_COST, rejectLongPasswords: true });
}

function bcryptProblem(password: string): string | null {
  if (password.includes('\0')) return 'A password can’t hold a NUL character.';
  if (Buffer.byteLength(password) <= MAX_BCRYPT_BYTES) return null;
  return (
    `Use at most ${MAX_BCRYPT_BYTES} bytes (an accented letter takes two): bcrypt ignores what follows. A longer one can be ` +
    'set in the browser instead: leave NIXFLEET_PASSWORD_HASH out.'
  );
}
