/**
 * The result of a server action, including requests that the dashboard refused before the action ran. Next's client
 * turns such a refusal (text with status 400 or higher) into an error with that text. Every call of an action goes
 * through here; a test checks that.
 */
import { reasonOfSentence } from '@/lib/protocol/http/request-refusals';

export type Refused = { ok: false; error: { kind: 'signed-out' } | { kind: 'failed'; message: string } };

/**
 * Gives the action's result, or for a refused request a result that says so: nothing was done, and the same request
 * would be refused again. Rejects when there is no answer, as the action does.
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
