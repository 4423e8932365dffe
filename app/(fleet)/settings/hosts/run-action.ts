/** Runs an action of this page: asks for confirmation where the action requires it, and shows errors. */
import { withStepUp, type StepUpWords } from '@/app/_step-up/step-up';
import { toast } from '@/app/_ui/toast-store';
import type { StepUpActionResult, StepUpError } from '@/lib/auth/next/action-result';
import { waitText } from '@/lib/auth/next/sign-in-error';

/**
 * Gives the value, or null when nothing was done: the operator cancelled, or saw an error under the title `failed`.
 * Never rejects.
 */
export async function runAction<Value>(
  words: StepUpWords,
  failed: string,
  send: (proof?: string) => Promise<StepUpActionResult<Value>>,
): Promise<{ value: Value } | null> {
  try {
    const result = await withStepUp(words, send);
    if (result === null) return null;
    if (result.ok) return { value: result.value };
    toast({ tone: 'error', title: failed, body: sentence(result.error) });
  } catch {
    toast({
      tone: 'error',
      title: 'The dashboard did not answer',
      body: 'The change may or may not have been made. Reload the page when the dashboard is reachable again.',
    });
  }
  return null;
}

function sentence(error: StepUpError): string {
  switch (error.kind) {
    case 'signed-out':
      return 'Your session has ended. Sign in again.';
    case 'failed':
      return error.message;
    case 'invalid':
      return error.issues.map(({ message }) => message).join('\n');
    case 'throttled':
      return `Too many attempts. Try again in ${waitText(error.retryAfterMs)}.`;
    case 'step-up-required':
    case 'step-up-refused':
      return 'This requires a new code.';
  }
}
