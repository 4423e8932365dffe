/** The message to show for the results of a request. Pure. */
import { capitalised } from '@/app/_ui/sentence';
import { nounPhrase, verbPhrase } from '@/lib/fleet/operations/operation-words';
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

/** Null when the operation was started on or queued for its only host, whose row shows that already. */
export function reportDispatch(operation: OperationId, results: readonly DispatchResult[]): Report | null {
  const reasons = [...new Set(results.flatMap((result) => reasonOf(result) ?? []))];
  const title = titleOf(operation, results);
  if (reasons.length === 0) return results.length > 1 ? { tone: 'success', title, body: '' } : null;
  const more = reasons.length > MAX_REASONS ? [`and ${reasons.length - MAX_REASONS} more`] : [];
  const notStored = results.some((result) => result.kind === 'not-stored');
  return {
    tone: notStored || !results.some(isStored) ? 'error' : 'warning',
    title,
    body: [...reasons.slice(0, MAX_REASONS), ...more].join('\n'),
  };
}

/** A command was stored: it was sent, or is queued. */
function isStored({ kind }: DispatchResult): boolean {
  return kind === 'accepted' || kind === 'queued';
}

/** "Removal of 3 hosts started", "Pull queued for 2 of 3 hosts", "Pull on 2 of 4 hosts started, queued for 1 more". */
function titleOf(operation: OperationId, results: readonly DispatchResult[]): string {
  const accepted = results.filter(({ kind }) => kind === 'accepted').length;
  const queued = results.filter(({ kind }) => kind === 'queued').length;
  if (accepted > 0) {
    const more = queued > 0 ? `, queued for ${queued} more` : '';
    return `${startedOn(operation, share(accepted, results.length))}${more}`;
  }
  if (queued > 0) return `${nounOf(operation)} queued for ${share(queued, results.length)}`;
  return `Could not ${verbPhrase(operation, hostsOf(results))}`;
}

/** "Agent restart on 3 hosts started", "Stop request sent to 3 hosts". */
function startedOn(operation: OperationId, hosts: string): string {
  if (OPERATIONS[operation].ends === 'target') return `${nounOf(operation)} request sent to ${hosts}`;
  return `${capitalised(nounPhrase(operation, hosts))} started`;
}

function nounOf(operation: OperationId): string {
  return capitalised(nounPhrase(operation));
}

/** "3 hosts", or "2 of 3 hosts". */
function share(count: number, all: number): string {
  return count === all ? `${all} hosts` : `${count} of ${all} hosts`;
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
