/** Password hashes: bcrypt when set by the environment, argon2id when set in the browser. */
import { hash as argon2Hash, verify as argon2Verify } from '@node-rs/argon2';
import { verify as bcryptVerify } from '@node-rs/bcrypt';

/** Longest input that is hashed at sign-in. */
const MAX_INPUT = 1_024;

/** Compared with when no password is set, so that the answer takes as long. Its password is unknown. */
const NOBODY = '$argon2id$v=19$m=19456,t=2,p=1$x/UGgZu2Q91Yg8ZAehleiA$2wz45IZohZhRbTusjBFAgPAZP1Nw4ER83nTR1R07MZ0';

/** Hashes a new password with argon2id, with the package's defaults (OWASP: 19 MiB, 2 passes). */
export function hashPassword(password: string): Promise<string> {
  return argon2Hash(password.normalize('NFC'));
}

/** Always computes one hash, even when no password is set. Never rejects. */
export async function verifyPassword(password: string, storedHash: string | null): Promise<boolean> {
  const fits = password.length <= MAX_INPUT;
  const input = fits ? password : '';
  try {
    if (storedHash === null) {
      await argon2Verify(NOBODY, input);
      return false;
    }
    const right = storedHash.startsWith('$argon2')
      ? await argon2Verify(storedHash, input.normalize('NFC'))
      : await bcryptVerify(input, storedHash);
    return right && fits;
  } catch {
    // A stored hash that can't be parsed matches nothing.
    return false;
  }
}
