'use client';

import { CircleArrowUp, CirclePlay, OctagonX, Wifi, WifiOff } from 'lucide-react';
import { sameRecord } from '@/app/_live/derived';
import { useDerived } from '@/app/_live/live';
import { cx } from '@/app/_ui/cx';
import { countStatuses, STATUS_FIELDS, type StatusFilter } from './filter';

const PARTS: { status: StatusFilter; label: string; tip: string; Icon: typeof Wifi; alarm: string }[] = [
  { status: 'online', label: 'Online', tip: 'Hosts whose agent is connected', Icon: Wifi, alarm: 'text-ok' },
  {
    status: 'offline',
    label: 'Offline',
    tip: 'Hosts whose agent is not connected',
    Icon: WifiOff,
    alarm: 'text-muted',
  },
  {
    status: 'behind',
    label: 'Behind',
    tip: 'Hosts without the desired commit or lock, or with a pulled configuration that is not active',
    Icon: CircleArrowUp,
    alarm: 'text-warn',
  },
  { status: 'failing', label: 'Failing', tip: 'Hosts with a compartment in error', Icon: OctagonX, alarm: 'text-bad' },
  {
    status: 'running',
    label: 'Running',
    tip: 'Hosts with a running operation',
    Icon: CirclePlay,
    alarm: 'text-busy',
  },
];

/** The state of the fleet in one line. Each part filters the hosts. */
export function Summary({
  status,
  onChange,
}: {
  status: StatusFilter | null;
  onChange: (status: StatusFilter | null) => void;
}) {
  const counts = useDerived(countStatuses, sameRecord, STATUS_FIELDS);
  return (
    <div role="group" aria-label="Filter by status" className="grid grid-cols-6 gap-1.5 sm:flex sm:flex-wrap">
      <Part
        label="All"
        tip="All hosts"
        count={counts.all}
        all={counts.all}
        pressed={status === null}
        onPress={() => onChange(null)}
      />
      {PARTS.map((part) => (
        <Part
          key={part.status}
          label={part.label}
          tip={part.tip}
          count={counts[part.status]}
          all={counts.all}
          icon={
            <part.Icon
              aria-hidden="true"
              className={cx('size-3.5', counts[part.status] > 0 ? part.alarm : 'text-faint')}
            />
          }
          pressed={status === part.status}
          onPress={() => onChange(status === part.status ? null : part.status)}
        />
      ))}
    </div>
  );
}

/** Minimum widths by the number of digits. */
const DIGITS = ['', 'sm:min-w-3', 'sm:min-w-4', 'sm:min-w-6', 'sm:min-w-8'];

function Part({
  label,
  tip,
  count,
  icon,
  pressed,
  onPress,
  all,
}: {
  label: string;
  tip: string;
  count: number;
  /** The number of all hosts: the count stays as wide as it, so that no button moves. */
  all: number;
  icon?: React.ReactNode;
  pressed: boolean;
  onPress: () => void;
}) {
  return (
    <button
      type="button"
      aria-pressed={pressed}
      data-tip={tip}
      onClick={onPress}
      className={cx(
        'flex h-8 items-center justify-center gap-1.5 rounded-md border px-2.5 text-xs font-medium',
        'max-sm:h-14 max-sm:flex-col max-sm:gap-0.5 max-sm:px-1 max-sm:text-2xs pointer-coarse:min-h-11',
        pressed ? 'border-accent bg-accent-soft text-accent' : 'bg-surface text-muted hover:bg-hover hover:text-ink',
      )}
    >
      <span className="flex items-center gap-1.5 max-sm:order-last">
        <span className="max-sm:hidden">{icon}</span>
        {label}
      </span>
      <span
        className={cx(
          'text-right',
          DIGITS[String(all).length] ?? 'sm:min-w-10',
          pressed ? 'text-accent' : 'text-ink',
          'max-sm:text-sm max-sm:font-semibold',
        )}
      >
        {count}
      </span>
    </button>
  );
}
