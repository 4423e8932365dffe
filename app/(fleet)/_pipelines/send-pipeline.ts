import { answerOf } from '@/app/_actions/answer-of';
import { withStepUp } from '@/app/_step-up/step-up';
import { toast } from '@/app/_ui/toast-store';
import { PIPELINES } from '@/lib/fleet/pipelines/pipeline-definitions';
import { showError } from '../_operations/send';
import { newRequestId } from '../_operations/request-id';
import { startPipeline } from './actions';

type Request = Parameters<typeof startPipeline>[0];

/** Starts a pipeline and shows the result. `watch` opens its page. Never rejects. */
export async function sendPipeline(
  asked: Omit<Request, 'requestId'>,
  onWhat: string,
  watch: (pipelineId: string) => void,
): Promise<void> {
  const request = { ...asked, requestId: newRequestId() };
  const { label } = PIPELINES[request.kind];
  const pipeline = `the “${label}” pipeline`;
  try {
    const words = { label, description: `Start ${pipeline} on ${onWhat}.` };
    const result = await withStepUp(words, (proof) => send(request, proof));
    if (result === null) return;
    if (!result.ok) {
      showError(`Could not start ${pipeline}`, result.error);
      return;
    }
    const started = result.value;
    if (started.kind !== 'started') {
      toast({ tone: 'error', title: `Could not start ${pipeline}`, body: started.reason });
      return;
    }
    const action = { label: 'View', run: () => watch(started.pipelineId) };
    toast({ tone: 'success', title: `Started ${pipeline} on ${onWhat}`, action });
  } catch {
    toast({
      tone: 'error',
      title: 'The dashboard did not answer',
      body: `The request to start ${pipeline} may or may not have arrived. Check the activity page when the dashboard is reachable again.`,
    });
  }
}

/** A request without an answer is sent once more with the same id, so that nothing is started twice. */
async function send(request: Request, proof: string | undefined) {
  // A code works once, and may have been used already: do not send it again.
  if (proof !== undefined) return answerOf(startPipeline(request, proof));
  try {
    return await answerOf(startPipeline(request));
  } catch {
    return answerOf(startPipeline(request));
  }
}
