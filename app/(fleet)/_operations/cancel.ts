import { answerOf } from '@/app/_actions/answer-of';
import { answered } from '@/app/_output/drawer/answered';
import { toast } from '@/app/_ui/toast-store';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { CommandView } from '@/lib/protocol/live';
import { cancelCommand } from '../actions';

/** Takes back a command that waits for its host, and says when that was not possible. Never rejects. */
export async function cancelQueued({ id, operation }: Pick<CommandView, 'id' | 'operation'>): Promise<void> {
  const cancelled = await answered(answerOf(cancelCommand({ commandId: id })));
  if (cancelled) return;
  const title = `${OPERATIONS[operation].label} was not cancelled`;
  if (cancelled === null) toast({ tone: 'error', title, body: 'The dashboard did not answer. Try again.' });
  else toast({ tone: 'warning', title, body: 'It was sent, or came to its end, in the meantime.' });
}
