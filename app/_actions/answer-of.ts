/**
 * The answer of a server action, also where the dashboard refused the request before the action saw it. Next's client
 * turns such a refusal (text, status 400 and more) into an error with that text. Every call of an action goes through
 * here; a test looks for one that does not.
 */
import { reasonOfSentence } from '@/lib/protocol/request-refusals';

export type Refused = { ok: false; error: { kind: 'signed-out' } | { kind: 'failed'; message: string } };

/**
 * Gives what the action answers; for a refusal, an answer that says so: nothing was done, and the same request would be
 * refused again. Rejects where there is no answer, as the action does.
 */
export async function answerOf<Answer>(action: Promise<Answer>): Promise<Answer | Refused> {
  try {
    return await action;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const reason = reasonOfSentence(message);
    if (reason === null) throw error;
    return { ok: false, error: reason === 'signed-out' ? { kind: 'signed-out' } : { kind: 'failed', message } };
  }
}
