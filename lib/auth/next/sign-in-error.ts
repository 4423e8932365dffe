/**
 * Encodes a refused sign-in as a code, because next-auth passes on only one string; the browser turns it into a
 * sentence.
 */

export type SignInFailure =
  | { kind: 'refused' }
  | { kind: 'wrong-origin' }
  | { kind: 'throttled'; retryAfterMs: number }
  /** The database refused to store a session. */
  | { kind: 'unstored' }
  | { kind: 'failed' };

/** `refused`, `failed`, `wrong-origin`, `unstored`, `throttled-32` (seconds to wait). */
export function signInErrorCode(failure: SignInFailure): string {
  return failure.kind === 'throttled'
    ? `throttled-${Math.max(1, Math.ceil(failure.retryAfterMs / 1_000))}`
    : failure.kind;
}

/** Parses a code; anything else is an unexpected failure. */
export function parseSignInError(code: string): SignInFailure {
  const [, seconds] = /^throttled-(\d{1,6})$/.exec(code) ?? [];
  if (seconds !== undefined) return { kind: 'throttled', retryAfterMs: Number(seconds) * 1_000 };
  return code === 'refused' || code === 'wrong-origin' || code === 'unstored' ? { kind: code } : { kind: 'failed' };
}

/** `32 s`, `4 min`. */
export function waitText(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1_000));
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
