import { cx } from './cx';
import type { CompartmentStatus } from '@/lib/protocol/compartment-names';

/** Text colour of each status. Whole class names, so that Tailwind finds them. */
export const STATUS_TEXT: Record<CompartmentStatus, string> = {
  ok: 'text-ok',
  outdated: 'text-warn',
  error: 'text-bad',
  working: 'text-busy',
  unknown: 'text-idle',
};

export const STATUS_SOFT: Record<CompartmentStatus, string> = {
  ok: 'bg-ok-soft text-ok',
  outdated: 'bg-warn-soft text-warn',
  error: 'bg-bad-soft text-bad',
  working: 'bg-busy-soft text-busy',
  unknown: 'bg-idle-soft text-idle',
};

/** The word for each status. */
export const STATUS_WORD: Record<CompartmentStatus, string> = {
  ok: 'OK',
  outdated: 'Outdated',
  error: 'Error',
  working: 'Working',
  unknown: 'Unknown',
};

/**
 * The icon of a status. Each has a different shape, so that it does not depend on colour. Decorative: show the word
 * beside it.
 */
export function StatusMark({ status, className }: { status: CompartmentStatus; className?: string }) {
  return (
    <svg
      viewBox="0 0 16 16"
      fill="none"
      aria-hidden="true"
      className={cx('size-4 shrink-0', STATUS_TEXT[status], className)}
    >
      {SHAPES[status]}
    </svg>
  );
}

const stroke = { stroke: 'currentColor', strokeWidth: 1.6, strokeLinecap: 'round', strokeLinejoin: 'round' } as const;

const SHAPES = {
  ok: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" opacity="0.16" />
      <path d="m4.9 8.3 2.1 2.1 4.1-4.5" {...stroke} />
    </>
  ),
  outdated: (
    <>
      <path
        d="M8 1.8 14.8 14H1.2L8 1.8Z"
        className="fill-current/20"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinejoin="round"
      />
      <path d="M8 6.4v3.3M8 11.7v.05" {...stroke} />
    </>
  ),
  error: (
    <>
      <rect x="1.25" y="1.25" width="13.5" height="13.5" rx="3" fill="currentColor" />
      <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" {...stroke} className="stroke-surface" />
    </>
  ),
  working: (
    <g className="origin-center animate-spin">
      <circle cx="8" cy="8" r="6.2" stroke="currentColor" strokeWidth="1.8" opacity="0.25" />
      <path d="M14.2 8A6.2 6.2 0 0 0 8 1.8" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />
    </g>
  ),
  unknown: <circle cx="8" cy="8" r="6" stroke="currentColor" strokeWidth="1.4" strokeDasharray="2.4 2.3" />,
} satisfies Record<CompartmentStatus, React.ReactNode>;
