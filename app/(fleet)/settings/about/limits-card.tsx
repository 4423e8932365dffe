/** How much of each of the dashboard's limits is in use, and who uses most. */
import { Card } from '@/app/_ui/card';
import { Meter, type ProgressTone } from '@/app/_ui/progress';
import type { LimitUse } from '@/lib/limits/limit-use';

/** Shares from which a limit is shown as an alarm, and as a warning. */
const NEARLY_FULL = 0.9;
const FILLING = 0.7;

export function LimitsCard({ limits }: { limits: readonly LimitUse[] }) {
  return (
    <Card
      title="Limits"
      description="Current use of each limit. Reload the page to update the figures."
      flush
      id="limits"
    >
      <ul className="divide-y">
        {limits.map((limit) => (
          <li key={limit.id} className="px-5 py-3">
            <Limit limit={limit} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Limit({ limit: { label, used, max, refused, by } }: { limit: LimitUse }) {
  return (
    <>
      <div className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-0.5">
        <h3 className="text-sm text-ink">{label}</h3>
        <p className="text-sm text-muted tabular-nums">
          {figure(used)} of {figure(max)}
        </p>
      </div>
      <Meter share={max === 0 ? null : used / max} tone={toneOf(used, max)} className="mt-1.5" />
      <p className="mt-1.5 text-xs text-pretty text-muted">
        {refused === 0 ? 'None refused' : `${figure(refused)} refused or closed`} since startup.
      </p>
      {by.length > 0 && (
        <p className="mt-0.5 text-xs text-pretty break-words text-muted">
          Highest use: {by.map(({ who, count }) => `${who} (${figure(count)})`).join(', ')}.
        </p>
      )}
    </>
  );
}

const figure = (value: number) => value.toLocaleString('en');

function toneOf(used: number, max: number): ProgressTone {
  const share = max === 0 ? 1 : used / max;
  return share >= NEARLY_FULL ? 'bad' : share >= FILLING ? 'warn' : 'ok';
}
