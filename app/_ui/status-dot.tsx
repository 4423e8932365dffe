'use client';

import { useState } from 'react';
import { cx } from './cx';

export type DotTone = 'ok' | 'warn' | 'bad' | 'busy' | 'idle';

const FILLS: Record<DotTone, string> = {
  ok: 'bg-ok',
  warn: 'bg-warn',
  bad: 'bg-bad',
  busy: 'bg-busy',
  idle: 'border-[1.5px] border-idle bg-transparent',
};

const RINGS: Record<DotTone, string> = {
  ok: 'bg-ok',
  warn: 'bg-warn',
  bad: 'bg-bad',
  busy: 'bg-busy',
  idle: 'bg-idle',
};

/** The same ring twice: a change of its name starts it again, without a new element for each heartbeat. */
const BEATS = ['animate-beat', 'animate-beat-again'];

/**
 * A coloured dot; `idle` is hollow. `beat` is a value that changes with each heartbeat: the dot then shows one ring.
 * Decorative: show its meaning in words beside it.
 */
export function StatusDot({ tone, beat, className }: { tone: DotTone; beat?: string | number; className?: string }) {
  // The first value is not a heartbeat: the row may just have scrolled into view.
  const [shown, setShown] = useState({ beat, count: 0 });
  if (beat !== shown.beat) setShown({ beat, count: shown.count + 1 });
  return (
    <span aria-hidden="true" className={cx('relative inline-flex size-2 shrink-0', className)}>
      {beat !== undefined && shown.count > 0 && (
        <span className={cx('absolute inset-0 rounded-full opacity-0', RINGS[tone], BEATS[shown.count % 2])} />
      )}
      <span className={cx('relative size-2 rounded-full', FILLS[tone])} />
    </span>
  );
}
