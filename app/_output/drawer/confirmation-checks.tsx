import { MarkShape } from './confirmation-marks';
import { duration } from '@/app/_ui/ages';
import type { CheckView } from '@/lib/protocol/live/views/command-view';

const WORDS: Record<CheckView['status'], string> = {
  passed: 'Passed',
  failed: 'Failed',
  pending: 'Pending',
  unknown: 'Not known',
};

/** The checks of a confirmed switch: before and after side by side, how long each took, and why it failed. */
export function ConfirmationChecks({ checks }: { checks: readonly CheckView[] }) {
  if (checks.length === 0) return null;
  // Those that failed first: they are why the host goes back, and the panel may be too low for all.
  const sorted = checks.toSorted((a, b) => Number(b.status === 'failed') - Number(a.status === 'failed'));
  return (
    <table className="mt-2 w-full text-left" data-testid="confirmation-checks">
      <thead className="text-2xs text-faint">
        <tr>
          <th scope="col" className="pr-3 font-medium">
            Check
          </th>
          <th scope="col" className="pr-3 font-medium">
            Before
          </th>
          <th scope="col" className="pr-3 font-medium">
            Now
          </th>
          <th scope="col" className="font-medium">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {sorted.map((check, index) => (
          // Two checks may have one name.
          <CheckLines key={`${check.name}-${index}`} check={check} />
        ))}
      </tbody>
    </table>
  );
}

function CheckLines({ check: { name, status, before, enforced, reason, tookMs } }: { check: CheckView }) {
  return (
    <>
      <tr className="border-t align-top">
        <th scope="row" className="py-1 pr-3 font-medium break-words text-ink">
          {name}
          {!enforced && <span className="font-normal text-faint"> (observed)</span>}
        </th>
        <td className="py-1 pr-3 text-muted">{WORDS[before]}</td>
        <td className="py-1 pr-3 text-muted">
          <span className="flex items-center gap-1">
            <MarkShape state={status === 'unknown' ? 'pending' : status} />
            {WORDS[status]}
          </span>
        </td>
        <td className="py-1 text-muted">
          {tookMs === null ? '–' : tookMs < 1_000 ? `${tookMs} ms` : duration(tookMs)}
        </td>
      </tr>
      {reason !== '' && (
        <tr>
          <td colSpan={4} className="pb-1 font-mono text-2xs break-words whitespace-pre-wrap text-muted">
            {reason}
          </td>
        </tr>
      )}
    </>
  );
}
