import { answerOf } from '@/app/_actions/answer-of';
import { toast } from '@/app/_ui/toast-store';
import type { FlakeUpdateView } from '@/lib/protocol/flake-updates';
import { mergeFlakeUpdate } from './actions';

/** Asks for the merge. Gives null once it is merged, or a sentence that says why it is not. Never rejects. */
export async function sendMerge({ number, headSha }: FlakeUpdateView): Promise<string | null> {
  try {
    const result = await answerOf(mergeFlakeUpdate({ number, headSha }));
    if (!result.ok) {
      switch (result.error.kind) {
        case 'signed-out':
          return 'Your session has ended: sign in again.';
        case 'failed':
          return result.error.message;
        case 'invalid':
          return result.error.issues.map(({ message }) => message).join(' ');
      }
    }
    if (result.value.kind !== 'merged') return result.value.reason;
    toast({
      tone: 'success',
      title: `Flake update #${number} is merged`,
      body: 'Pull and switch the hosts to bring it to them.',
    });
    return null;
  } catch {
    return 'The dashboard can’t be reached. Once it can, the activity shows whether it was merged.';
  }
}
