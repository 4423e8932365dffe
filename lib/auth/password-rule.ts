/** What a new password must be. Length alone: further rules make passwords worse (OWASP ASVS 2.1). */

/** In characters. */
export const MIN_PASSWORD = 12;
export const MAX_PASSWORD = 128;

/** A sentence on what is wrong with a new password; null when nothing is. */
export function passwordProblem(password: string): string | null {
  if (password.length < MIN_PASSWORD) return `Use at least ${MIN_PASSWORD} characters.`;
  if (password.length > MAX_PASSWORD) return `Use at most ${MAX_PASSWORD} characters.`;
  return null;
}
