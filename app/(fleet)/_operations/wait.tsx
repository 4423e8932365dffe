'use client';

import { Hourglass } from 'lucide-react';
import { useId, useState } from 'react';
import { Button } from '@/app/_ui/button';
import { controlClass } from '@/app/_ui/field';
import { DEFAULT_QUEUE_MS } from '@/lib/fleet/operations/queue-time';

const HOUR_MS = 3_600_000;

/** How long an operation may be queued for offline hosts. */
const WAITS: readonly { ms: number; label: string }[] = [
  { ms: HOUR_MS, label: 'an hour' },
  { ms: 8 * HOUR_MS, label: '8 hours' },
  { ms: DEFAULT_QUEUE_MS, label: 'a day' },
  { ms: 3 * DEFAULT_QUEUE_MS, label: '3 days' },
  { ms: 7 * DEFAULT_QUEUE_MS, label: 'a week' },
];

const COMPACT = '!h-7 !w-auto !px-2 !text-xs pointer-coarse:!h-10';

/** Whether offline hosts of the selection are skipped, or the operation is queued for them. */
export function WaitChoice({
  value,
  onChange,
}: {
  /** Milliseconds; undefined skips them. */
  value: number | undefined;
  onChange: (ms: number | undefined) => void;
}) {
  return (
    <select
      aria-label="Offline hosts"
      data-tip="What to do with offline hosts"
      value={value ?? ''}
      onChange={(event) => onChange(event.target.value === '' ? undefined : Number(event.target.value))}
      className={controlClass(COMPACT)}
    >
      <option value="">Skip offline hosts</option>
      {WAITS.map(({ ms, label }) => (
        <option key={ms} value={ms}>
          Queue for {label}
        </option>
      ))}
    </select>
  );
}

/** Queues an operation for offline hosts. */
export function WaitForm({ count, onWait }: { count: number; onWait: (ms: number) => void }) {
  const [ms, setMs] = useState(DEFAULT_QUEUE_MS);
  const id = useId();
  return (
    <div className="flex flex-wrap items-center gap-x-2 gap-y-1.5">
      <label htmlFor={id}>Run it if {count === 1 ? 'the host comes' : 'they come'} back online within</label>
      <select
        id={id}
        value={ms}
        onChange={(event) => setMs(Number(event.target.value))}
        className={controlClass(COMPACT)}
      >
        {WAITS.map((wait) => (
          <option key={wait.ms} value={wait.ms}>
            {wait.label}
          </option>
        ))}
      </select>
      <Button
        size="sm"
        variant="primary"
        icon={<Hourglass className="size-3.5" aria-hidden="true" />}
        onClick={() => onWait(ms)}
      >
        {count === 1 ? 'Queue' : `Queue (${count})`}
      </Button>
    </div>
  );
}
