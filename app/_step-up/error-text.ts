import type { StepUpError } from '@/lib/auth/next/action-result';
import { waitText } from '@/lib/auth/next/sign-in-error';

/** A sentence for the operator on why an action failed. */
export function errorText(error: StepUpError): string {
  switch (error.kind) {
    case 'signed-out':
      return 'Your session has ended. Sign in again.';
    case 'failed':
      return error.message;
    case 'invalid':
      return error.issues.map((issue) => issue.message).join('\n');
    case 'throttled':
      return `Too many attempts. Try again in ${waitText(error.retryAfterMs)}.`;
    case 'step-up-required':
    case 'step-up-refused':
      return error.asksFor === 'code' ? 'This requires a new code.' : 'This requires your password.';
  }
}

/** Shown when the dashboard does not answer. */
export const NO_ANSWER = 'The dashboard does not answer. Check your connection and try again.';
