/**
 * The rule for new passwords: long, and not among the first guesses. No rule on kinds of characters, which make
 * passwords worse (OWASP ASVS 2.1.7 and 2.1.9).
 */

/** In characters. */
export const MIN_PASSWORD = 12;
export const MAX_PASSWORD = 128;

/** The problem of a new password as a sentence, or null. */
export function passwordProblem(password: string): string | null {
  if (password.length < MIN_PASSWORD) return `Use at least ${MIN_PASSWORD} characters.`;
  if (password.length > MAX_PASSWORD) return `Use at most ${MAX_PASSWORD} characters.`;
  if (isEasyToGuess(password)) return 'This password is easy to guess. Use several unrelated words.';
  return null;
}

/** Keyboard rows and the alphabet, which long passwords in leaked lists consist of. */
const ROWS = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
];
/** Words from this product's context or from every list of passwords. */
const WORDS =
  /password|passwort|passw0rd|p@ssw0rd|nixfleet|operator|dashboard|administrator|admin|letmein|welcome|changeme|iloveyou|qwerty/g;
/** A password needs this many characters besides those words. */
const MIN_REMAINING = 8;
const MIN_DIFFERENT = 5;

/** True for repetitions, keyboard rows and a few words, which make up lists of common passwords of this length. */
function isEasyToGuess(password: string): boolean {
  const plain = password
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_.,;:!?*#+-]/g, '');
  if (new Set(plain).size < MIN_DIFFERENT) return true;
  if (/^(.{1,8}?)\1+$/.test(plain)) return true;
  if (ROWS.some((row) => row.includes(plain) || Array.from(row).reverse().join('').includes(plain))) return true;
  const rest = plain.replace(WORDS, '').replace(/(?<![0-9])[0-9]+$/, '');
  return rest.length < plain.length && rest.length < MIN_REMAINING;
}
