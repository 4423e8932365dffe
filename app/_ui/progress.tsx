import { cx } from './cx';

export type ProgressTone = 'busy' | 'ok' | 'warn' | 'bad' | 'idle';

const TONES: Record<ProgressTone, string> = {
  busy: 'fill-busy',
  ok: 'fill-ok',
  warn: 'fill-warn',
  bad: 'fill-bad',
  idle: 'fill-idle',
};

export interface ProgressProps {
  /** Accessible name. */
  label: string;
  /** From 0 to `max`; null when unknown. */
  value: number | null;
  max?: number;
  /** Announced instead of a percentage ("3 of 12"). */
  text?: string;
  tone?: ProgressTone;
  className?: string;
}

/**
 * A progress bar. Drawn with SVG attributes, because the content security policy blocks style attributes on the first
 * paint.
 */
export function Progress({ label, value, max = 100, text, tone = 'busy', className }: ProgressProps) {
  const share = value === null || max <= 0 ? null : Math.min(1, Math.max(0, value / max));
  return (
    <svg
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : Math.round(share * 100)}
      aria-valuetext={text}
      viewBox="0 0 100 4"
      preserveAspectRatio="none"
      className={cx('h-1 w-full overflow-hidden rounded-full', className)}
    >
      <rect width="100" height="4" className="fill-idle/25" />
      {share === null ? (
        <rect width="100" height="4" className={cx('animate-glow opacity-70', TONES[tone])} />
      ) : (
        <rect width={share * 100} height="4" className={TONES[tone]} />
      )}
    </svg>
  );
}

/** A small bar for a measured value. Decorative beside the figure, so hidden from screen readers. */
export function Meter({ share, tone, className }: { share: number | null; tone: ProgressTone; className?: string }) {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 100 4"
      preserveAspectRatio="none"
      className={cx('h-[3px] w-full overflow-hidden rounded-full', className)}
    >
      <rect width="100" height="4" className="fill-idle/25" />
      {share !== null && <rect width={Math.min(1, Math.max(0, share)) * 100} height="4" className={TONES[tone]} />}
    </svg>
  );
}
