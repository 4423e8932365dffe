/** Carries a request of this page out: asks for a fresh proof where one is needed, and says what went wrong. */
import { withStepUp, type StepUpWords } from '@/app/_step-up/step-up';
import { toast } from '@/app/_ui/toast-store';
import type { StepUpActionResult, StepUpError } from '@/lib/auth/next/action-result';
import { waitText } from '@/lib/auth/next/sign-in-error';

/** The value, or null when it was not done: the operator turned back, or was told why. Never rejects. */
export async function ask<Value>(
  words: StepUpWords,
  send: (proof?: string) => Promise<StepUpActionResult<Value>>,
): Promise<{ value: Value } | null> {
  try {
    const result = await withStepUp(words, send);
    if (result === null) return null;
    if (result.ok) return { value: result.value };
    toast({ tone: 'error', title: `${words.label}: not done`, body: sentence(result.error) });
  } catch {
    toast({
      tone: 'error',
      title: `${words.label}: no answer`,
      body: 'The dashboard can’t be reached. Reload the page once it can: it shows whether this was done.',
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
      return 'It needs a fresh code.';
  }
}
