import { answerOf } from '@/app/_actions/answer-of';
import { toast } from '@/app/_ui/toast-store';
import { mergeFlakeUpdate } from './actions';
import type { FlakeUpdateView } from '@/lib/protocol/live/views/flake-update-view';

/** Requests the merge. Gives null once merged, or a sentence that says why not. Never rejects. */
export async function sendMerge({ number, headSha }: FlakeUpdateView): Promise<string | null> {
  try {
    const result = await answerOf(mergeFlakeUpdate({ number, headSha }));
    if (!result.ok) {
      switch (result.error.kind) {
        case 'signed-out':
          return 'Your session has ended. Sign in again.';
        case 'failed':
          return result.error.message;
        case 'invalid':
          return result.error.issues.map(({ message }) => message).join(' ');
      }
    }
    if (result.value.kind !== 'merged') return result.value.reason;
    toast({
      tone: 'success',
      title: `Merged flake update #${number}`,
      body: 'Pull and switch the hosts to deploy it.',
    });
    return null;
  } catch {
    return 'The dashboard did not answer. Check the activity page for the merge when the dashboard is reachable again.';
  }
}
