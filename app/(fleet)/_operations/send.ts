import { answerOf } from '@/app/_actions/answer-of';
import { openOutput } from '@/app/_output/drawer/open-output';
import { isPhone } from '@/app/_output/drawer/use-is-phone';
import { errorText } from '@/app/_step-up/error-text';
import { withStepUp } from '@/app/_step-up/step-up';
import { capitalised } from '@/app/_ui/sentence';
import { toast } from '@/app/_ui/toast-store';
import { labelOf, verbPhrase } from '@/lib/fleet/operations/operation-words';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { StepUpError } from '@/lib/auth/next/action-result';
import { dispatchOperation } from '../actions';
import { reportDispatch } from './dispatch-report';
import { newRequestId } from './request-id';
import { generationIn } from '@/lib/protocol/agent/system-generations';
import type { DispatchResult } from '@/lib/fleet/records/requests';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** A request without an answer is sent once more with the same id, so that nothing is started twice. */
const TRIES = 2;

type Request = Parameters<typeof dispatchOperation>[0];

/** Options of a request. */
export interface SendOptions extends Pick<Request, 'args' | 'queueForMs' | 'confirm'> {
  force?: boolean;
}

/** Requests an operation and shows what went wrong. `onWhat` names the hosts. Never rejects. */
export async function sendOperation(
  operation: OperationId,
  hostIds: readonly string[],
  onWhat: string,
  { force = false, ...options }: SendOptions = {},
): Promise<void> {
  if (hostIds.length === 0) return;
  const request = { operation, hostIds: [...hostIds], requestId: newRequestId(), force, ...options };
  const label = labelOf({ operation, generation: generationIn(options.args ?? null) });
  const generation = generationIn(options.args ?? null);
  const action = verbPhrase(operation, onWhat, generation);
  try {
    const words = { label, description: `${capitalised(action)}.` };
    const result = await withStepUp(words, (proof) => send(request, proof));
    if (result === null) return;
    if (result.ok) {
      const report = reportDispatch(operation, result.value);
      if (report) toast(report);
      openOnlyOutput(operation, result.value);
    } else {
      showError(`Could not ${action}`, result.error);
    }
  } catch {
    toast({
      tone: 'error',
      title: 'The dashboard did not answer',
      body: `The request to ${action} may or may not have arrived. Check the fleet page when the dashboard is reachable again.`,
    });
  }
}

async function send(request: Request, proof: string | undefined) {
  // A code works once, and may have been used already: do not send it again.
  for (let left = proof === undefined ? TRIES : 1; left > 1; left -= 1) {
    try {
      return await answerOf(dispatchOperation(request));
    } catch {
      // No answer: the dashboard is unreachable, or was replaced by another build.
    }
  }
  return answerOf(dispatchOperation(request, proof));
}

/** Shows why a request failed. */
export function showError(title: string, error: StepUpError): void {
  const action =
    error.kind === 'signed-out' ? { label: 'Sign in', run: () => window.location.assign('/login') } : undefined;
  toast({ tone: 'error', title, body: errorText(error), action });
}

/**
 * Opens the output when one host was asked. Not on a phone, where the output would cover the page, and not for a stop,
 * which keeps showing the output of the command that it stops.
 */
function openOnlyOutput(operation: OperationId, results: readonly DispatchResult[]): void {
  const [only] = results;
  if (results.length !== 1 || only?.kind !== 'accepted' || isPhone()) return;
  if (OPERATIONS[operation].ends === 'target' || OPERATIONS[operation].runs === 'dashboard') return;
  openOutput({ hostId: only.hostId, commandId: only.commandId });
}
