/** Passwords: bcrypt where the environment configures one, argon2id where one is set in the browser. */
import { hash as argon2Hash, verify as argon2Verify } from '@node-rs/argon2';
import { verify as bcryptVerify } from '@node-rs/bcrypt';

/** Longest input that is hashed at sign-in. */
const MAX_INPUT = 1_024;

/** Compared with where there is no password: an answer must take as long as any other. Its password is not known. */
const NOBODY = '$argon2id$v=19$m=19456,t=2,p=1$x/UGgZu2Q91Yg8ZAehleiA$2wz45IZohZhRbTusjBFAgPAZP1Nw4ER83nTR1R07MZ0';

/** Hashes a new password with argon2id; memory and passes are the package's (OWASP: 19 MiB, 2 passes). */
export function hashPassword(password: string): Promise<string> {
  return argon2Hash(password.normalize('NFC'));
}

/** Always computes one hash, whether there is a password to compare with or not. Never rejects. */
export async function passwordIsRight(password: string, storedHash: string | null): Promise<boolean> {
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
    // A stored hash that can't be parsed lets nobody in.
    return false;
  }
}
