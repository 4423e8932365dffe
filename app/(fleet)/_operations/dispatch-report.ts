/** The message to show for the results of a request. Pure. */
import { capitalised } from '@/app/_ui/sentence';
import { OPERATION_WORDS, verbPhrase } from '@/lib/fleet/operations/operation-words';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { DispatchResult } from '@/lib/fleet/records/requests';
import type { OperationId } from '@/lib/protocol/operation-ids';

export interface Report {
  tone: 'success' | 'warning' | 'error';
  title: string;
  /** One reason per line; empty when there is none. */
  body: string;
}

/** Reasons shown; the rest are counted. */
const MAX_REASONS = 4;

/** Null when one host accepted the operation: its row shows that already. */
export function reportDispatch(operation: OperationId, results: readonly DispatchResult[]): Report | null {
  const accepted = results.filter((result) => result.kind === 'accepted');
  const reasons = [...new Set(results.flatMap((result) => reasonOf(result) ?? []))];
  if (reasons.length === 0) {
    return accepted.length > 1
      ? { tone: 'success', title: startedOn(operation, `${accepted.length} hosts`), body: '' }
      : null;
  }
  const more = reasons.length > MAX_REASONS ? [`and ${reasons.length - MAX_REASONS} more`] : [];
  const notStored = results.some((result) => result.kind === 'not-stored');
  return {
    tone: notStored || accepted.length === 0 ? 'error' : 'warning',
    title:
      accepted.length === 0
        ? `Could not ${verbPhrase(operation, hostsOf(results))}`
        : startedOn(operation, `${accepted.length} of ${results.length} hosts`),
    body: [...reasons.slice(0, MAX_REASONS), ...more].join('\n'),
  };
}

/** "Agent restart started on 3 hosts", "Stop request sent to 3 hosts". */
function startedOn(operation: OperationId, hosts: string): string {
  const noun = capitalised(OPERATION_WORDS[operation].noun);
  return OPERATIONS[operation].ends === 'target' ? `${noun} sent to ${hosts}` : `${noun} started on ${hosts}`;
}

function hostsOf(results: readonly DispatchResult[]): string {
  const [only] = results;
  return results.length === 1 && only ? only.hostName || 'the host' : `${results.length} hosts`;
}

function reasonOf(result: DispatchResult): string | null {
  switch (result.kind) {
    case 'accepted':
    case 'queued':
      return null;
    case 'blocked':
      return result.blocked.reason;
    case 'unknown-host':
      return `${result.hostName || 'A host'} no longer exists.`;
    case 'not-stored':
      return `${result.hostName}: ${result.reason}`;
  }
}
