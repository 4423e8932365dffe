/** Recovery codes: each works once in place of a code from the app. */
import { createHmac, randomBytes } from 'node:crypto';
import { encodeBase32 } from './base32';

const COUNT = 10;
/** 80 bits: infeasible to guess, even with the stored hashes. */
const CODE_BYTES = 10;

/** Ten codes, shown once, as `ABCD-EFGH-IJKL-MNOP`. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: COUNT }, () => (encodeBase32(randomBytes(CODE_BYTES)).match(/.{4}/g) ?? []).join('-'));
}

/** The stored hash of a typed code; null when it does not have the form of one. */
export function recoveryCodeHash(key: Buffer, typed: string): string | null {
  const code = typed.replace(/[\s-]/g, '').toUpperCase();
  return /^[A-Z2-7]{16}$/.test(code) ? createHmac('sha256', key).update(code).digest('hex') : null;
}
