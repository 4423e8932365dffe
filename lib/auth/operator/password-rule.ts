/**
 * What a new password must be: long, and none of those that are tried first. No rule on kinds of characters, which make
 * passwords worse (OWASP ASVS 2.1.7 and 2.1.9).
 */

/** In characters. */
export const MIN_PASSWORD = 12;
export const MAX_PASSWORD = 128;

/** A sentence on what is wrong with a new password; null when nothing is. */
export function passwordProblem(password: string): string | null {
  if (password.length < MIN_PASSWORD) return `Use at least ${MIN_PASSWORD} characters.`;
  if (password.length > MAX_PASSWORD) return `Use at most ${MAX_PASSWORD} characters.`;
  if (isTriedFirst(password))
    return 'This is one of the first that is tried. Take several words that don’t belong together.';
  return null;
}

/** Rows of a keyboard and of the alphabet, of which long passwords in leaked lists are made. */
const ROWS = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
];
/** What is in the name of the place, or in every list of passwords. */
const WORDS =
  /password|passwort|passw0rd|p@ssw0rd|nixfleet|operator|dashboard|administrator|admin|letmein|welcome|changeme|iloveyou|qwerty/g;
/** A password needs so many characters besides. */
const MIN_OWN = 8;
const MIN_DIFFERENT = 5;

/** True of what a list of common passwords of this length is made of: repetitions, rows of keys, and a few words. */
function isTriedFirst(password: string): boolean {
  const plain = password
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_.,;:!?*#+-]/g, '');
  if (new Set(plain).size < MIN_DIFFERENT) return true;
  if (/^(.{1,8}?)\1+$/.test(plain)) return true;
  if (ROWS.some((row) => row.includes(plain) || Array.from(row).reverse().join('').includes(plain))) return true;
  const own = plain.replace(WORDS, '').replace(/[0-9]+$/, '');
  return own.length < plain.length && own.length < MIN_OWN;
}
