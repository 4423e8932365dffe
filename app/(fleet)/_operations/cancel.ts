import { answerOf } from '@/app/_actions/answer-of';
import { valueOrNull } from '@/app/_actions/value-or-null';
import { toast } from '@/app/_ui/toast-store';
import { OPERATION_WORDS } from '@/lib/fleet/operations/operation-words';
import { cancelCommand } from '../actions';
import type { CommandView } from '@/lib/protocol/live/views/command-view';

/** Cancels a queued command and shows a message when that was not possible. Never rejects. */
export async function cancelQueued({ id, operation }: Pick<CommandView, 'id' | 'operation'>): Promise<void> {
  const cancelled = await valueOrNull(answerOf(cancelCommand({ commandId: id })));
  if (cancelled) return;
  const title = `The ${OPERATION_WORDS[operation].noun} was not cancelled`;
  if (cancelled === null) toast({ tone: 'error', title, body: 'The dashboard did not answer. Try again.' });
  else toast({ tone: 'warning', title, body: 'It was sent or ended in the meantime.' });
}
