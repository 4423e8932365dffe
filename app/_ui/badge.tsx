import type { ReactNode } from 'react';
import { cx } from './cx';

export type Tone = 'ok' | 'warn' | 'bad' | 'back' | 'busy' | 'idle' | 'accent';

const TONES: Record<Tone, string> = {
  ok: 'bg-ok-soft text-ok',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  back: 'bg-warn-soft text-warn',
  busy: 'bg-busy-soft text-busy',
  idle: 'bg-idle-soft text-muted',
  accent: 'bg-accent-soft text-accent',
};

/** A highlighted word or number. Its colour never carries the meaning alone. */
export function Badge({
  tone = 'idle',
  icon,
  tip,
  className,
  children,
}: {
  tone?: Tone;
  icon?: ReactNode;
  /** Tooltip. */
  tip?: string;
  className?: string;
  children: ReactNode;
}) {
  return (
    <span
      data-tip={tip}
      className={cx(
        'inline-flex h-5 shrink-0 items-center gap-1 rounded-full px-2 text-2xs font-medium whitespace-nowrap',
        TONES[tone],
        className,
      )}
    >
      {icon}
      {children}
    </span>
  );
}
