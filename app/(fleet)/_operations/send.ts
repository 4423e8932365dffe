import { openOutput } from '@/app/_output/open-output';
import { isPhone } from '@/app/_output/use-is-phone';
import { toast } from '@/app/_ui/toast-store';
import { OPERATIONS } from '@/lib/fleet/operations';
import type { DispatchResult } from '@/lib/fleet/ports';
import type { OperationId } from '@/lib/protocol/live';
import { dispatchOperation } from '../actions';
import { reportDispatch } from './dispatch-report';
import { newRequestId } from './request-id';

/** A request that got no answer is sent once more under the same id: it can't start anything twice. */
const TRIES = 2;

/** Asks for an operation and tells the operator what did not go as asked. Never rejects. */
export async function sendOperation(operation: OperationId, hostIds: readonly string[], force: boolean): Promise<void> {
  if (hostIds.length === 0) return;
  const request = { operation, hostIds: [...hostIds], requestId: newRequestId(), force };
  const title = `${OPERATIONS[operation].label} was not started`;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    try {
      const result = await dispatchOperation(request);
      if (result.ok) {
        const report = reportDispatch(operation, result.value);
        if (report) toast(report);
        watchTheOnlyOne(operation, result.value);
      } else if (result.error.kind === 'signed-out') {
        toast({
          tone: 'error',
          title,
          body: 'Your session has ended.',
          action: { label: 'Sign in', run: () => window.location.assign('/login') },
        });
      } else {
        const { error } = result;
        const body = error.kind === 'failed' ? error.message : error.issues.map((issue) => issue.message).join('\n');
        toast({ tone: 'error', title, body });
      }
      return;
    } catch {
      // No answer: the dashboard is out of reach, or was replaced by another build.
    }
  }
  toast({
    tone: 'error',
    title: `${OPERATIONS[operation].label}: no answer`,
    body: 'The dashboard can’t be reached. Once it can, the host’s row shows whether it was started.',
  });
}

/**
 * Who asks one host for something wants to see it happen. On a phone the output would hide the page, and of many hosts
 * one is as good as another: there a tap on the row opens it. A stop goes on showing what it stops.
 */
function watchTheOnlyOne(operation: OperationId, results: readonly DispatchResult[]): void {
  const [only] = results;
  if (results.length !== 1 || only?.kind !== 'accepted' || isPhone()) return;
  if (OPERATIONS[operation].ends === 'target') return;
  openOutput({ hostId: only.hostId, commandId: only.commandId });
}
