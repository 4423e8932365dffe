import { answerOf } from '@/app/_actions/answer-of';
import { errorText, NO_ANSWER } from '@/app/_step-up/error-text';
import { withStepUp } from '@/app/_step-up/step-up';
import { toast } from '@/app/_ui/toast-store';
import { mergeFlakeUpdate } from './actions';
import type { FlakeUpdateView } from '@/lib/protocol/live/views/flake-update-view';

/** Requests the merge. Gives null once merged, or a sentence that says why not. Never rejects. */
export async function sendMerge({ number, headSha }: FlakeUpdateView): Promise<string | null> {
  const words = { label: 'Merge', description: `This merges flake update #${number}.` };
  try {
    const result = await withStepUp(words, (proof) => answerOf(mergeFlakeUpdate({ number, headSha }, proof)));
    if (result === null) return 'The flake update was not merged.';
    if (!result.ok) return errorText(result.error);
    if (result.value.kind !== 'merged') return result.value.reason;
    toast({
      tone: 'success',
      title: `Merged flake update #${number}`,
      body: 'Pull and switch the hosts to deploy it.',
    });
    return null;
  } catch {
    return `${NO_ANSWER} The activity page shows whether it was merged.`;
  }
}
