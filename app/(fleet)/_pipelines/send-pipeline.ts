import { answerOf } from '@/app/_actions/answer-of';
import { withStepUp } from '@/app/_step-up/step-up';
import { toast } from '@/app/_ui/toast-store';
import { PIPELINES } from '@/lib/fleet/pipelines/pipeline-kinds';
import { showError } from '../_operations/send';
import { newRequestId } from '../_operations/request-id';
import { startPipeline } from './actions';

type Request = Parameters<typeof startPipeline>[0];

/** Asks for a pipeline and tells the operator what came of it. `watch` shows it. Never rejects. */
export async function sendPipeline(
  asked: Omit<Request, 'requestId'>,
  onWhat: string,
  watch: (pipelineId: string) => void,
): Promise<void> {
  const request = { ...asked, requestId: newRequestId() };
  const { label } = PIPELINES[request.kind];
  try {
    const words = { label, description: `${label} on ${onWhat}.` };
    const result = await withStepUp(words, (proof) => send(request, proof));
    if (result === null) return;
    if (!result.ok) {
      showError(`${label} was not started`, result.error);
      return;
    }
    const started = result.value;
    if (started.kind !== 'started') {
      toast({ tone: 'error', title: `${label} was not started`, body: started.reason });
      return;
    }
    const action = { label: 'Watch', run: () => watch(started.pipelineId) };
    toast({ tone: 'success', title: `${label} was started on ${onWhat}`, action });
  } catch {
    toast({
      tone: 'error',
      title: `${label}: no answer`,
      body: 'The dashboard can’t be reached. Once it can, its activity shows whether it was started.',
    });
  }
}

/** A request that got no answer is sent once more under the same id: it can't start anything twice. */
async function send(request: Request, proof: string | undefined) {
  // A code that may have been used up already is not sent again.
  if (proof !== undefined) return answerOf(startPipeline(request, proof));
  try {
    return await answerOf(startPipeline(request));
  } catch {
    return answerOf(startPipeline(request));
  }
}
