import { answerOf } from '@/app/_actions/answer-of';
import { openOutput } from '@/app/_output/drawer/open-output';
import { isPhone } from '@/app/_output/drawer/use-is-phone';
import { errorText } from '@/app/_step-up/error-text';
import { withStepUp } from '@/app/_step-up/step-up';
import { toast } from '@/app/_ui/toast-store';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { StepUpError } from '@/lib/auth/next/action-result';
import type { OperationId } from '@/lib/protocol/live';
import { dispatchOperation } from '../actions';
import { reportDispatch } from './dispatch-report';
import { newRequestId } from './request-id';
import type { DispatchResult } from '@/lib/fleet/records/requests';

/** A request that got no answer is sent once more under the same id: it can't start anything twice. */
const TRIES = 2;

type Request = Parameters<typeof dispatchOperation>[0];

/** How an operation is asked for. */
export interface SendOptions extends Pick<Request, 'args' | 'queueForMs'> {
  force?: boolean;
}

/** Asks for an operation and tells the operator what did not go as asked. `onWhat` names the hosts. Never rejects. */
export async function sendOperation(
  operation: OperationId,
  hostIds: readonly string[],
  onWhat: string,
  { force = false, ...options }: SendOptions = {},
): Promise<void> {
  if (hostIds.length === 0) return;
  const request = { operation, hostIds: [...hostIds], requestId: newRequestId(), force, ...options };
  const { label } = OPERATIONS[operation];
  try {
    const words = { label, description: `${label} ${onWhat}.` };
    const result = await withStepUp(words, (proof) => send(request, proof));
    if (result === null) return;
    if (result.ok) {
      const report = reportDispatch(operation, result.value);
      if (report) toast(report);
      watchTheOnlyOne(operation, result.value);
    } else {
      showError(`${label} was not started`, result.error);
    }
  } catch {
    toast({
      tone: 'error',
      title: `${label}: no answer`,
      body: 'The dashboard can’t be reached. Once it can, the host’s row shows whether it was started.',
    });
  }
}

async function send(request: Request, proof: string | undefined) {
  // A code that may have been used up already is not sent again.
  for (let left = proof === undefined ? TRIES : 1; left > 1; left -= 1) {
    try {
      return await answerOf(dispatchOperation(request));
    } catch {
      // No answer: the dashboard is out of reach, or was replaced by another build.
    }
  }
  return answerOf(dispatchOperation(request, proof));
}

/** Tells the operator why a request was not done. */
export function showError(title: string, error: StepUpError): void {
  const action =
    error.kind === 'signed-out' ? { label: 'Sign in', run: () => window.location.assign('/login') } : undefined;
  toast({ tone: 'error', title, body: errorText(error), action });
}

/**
 * Who asks one host for something wants to see it happen. On a phone the output would hide the page, and of many hosts
 * one is as good as another: there a tap on the row opens it. A stop goes on showing what it stops.
 */
function watchTheOnlyOne(operation: OperationId, results: readonly DispatchResult[]): void {
  const [only] = results;
  if (results.length !== 1 || only?.kind !== 'accepted' || isPhone()) return;
  if (OPERATIONS[operation].ends === 'target' || OPERATIONS[operation].runs === 'dashboard') return;
  openOutput({ hostId: only.hostId, commandId: only.commandId });
}
