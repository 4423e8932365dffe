/** What the answer to a request means to the operator who asked. Pure. */
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { OperationId } from '@/lib/protocol/live';
import type { DispatchResult } from '@/lib/fleet/records/requests';

export interface Report {
  tone: 'success' | 'warning' | 'error';
  title: string;
  /** One line a reason; empty when there is nothing to add. */
  body: string;
}

/** Reasons that are shown; the rest is counted. */
const MAX_REASONS = 4;

/** Null when all went as asked for on one host: its row says so already. */
export function reportDispatch(operation: OperationId, results: readonly DispatchResult[]): Report | null {
  const { label } = OPERATIONS[operation];
  const accepted = results.filter((result) => result.kind === 'accepted');
  const reasons = [...new Set(results.flatMap((result) => reasonOf(result) ?? []))];
  if (reasons.length === 0) {
    return accepted.length > 1
      ? { tone: 'success', title: `${label} started on ${accepted.length} hosts`, body: '' }
      : null;
  }
  const more = reasons.length > MAX_REASONS ? [`and ${reasons.length - MAX_REASONS} more`] : [];
  const notStored = results.some((result) => result.kind === 'not-stored');
  return {
    tone: notStored || accepted.length === 0 ? 'error' : 'warning',
    title:
      accepted.length === 0
        ? `${label} was not started`
        : `${label} started on ${accepted.length} of ${results.length} hosts`,
    body: [...reasons.slice(0, MAX_REASONS), ...more].join('\n'),
  };
}

function reasonOf(result: DispatchResult): string | null {
  switch (result.kind) {
    case 'accepted':
    case 'queued':
      return null;
    case 'blocked':
      return result.blocked.reason;
    case 'unknown-host':
      return `${result.hostName || 'A host'} is not known any more.`;
    case 'not-stored':
      return `${result.hostName}: ${result.reason}`;
  }
}
