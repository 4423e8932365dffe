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

/**
 * A coloured dot; `idle` is hollow. `beat` is a value that changes with each heartbeat: the dot then shows one ring.
 * Decorative: show its meaning in words beside it.
 */
export function StatusDot({ tone, beat, className }: { tone: DotTone; beat?: string | number; className?: string }) {
  // The first value is not a heartbeat: the row may just have scrolled into view.
  const [first] = useState(beat);
  return (
    <span aria-hidden="true" className={cx('relative inline-flex size-2 shrink-0', className)}>
      {beat !== undefined && beat !== first && (
        <span key={beat} className={cx('absolute inset-0 animate-beat rounded-full opacity-0', RINGS[tone])} />
      )}
      <span className={cx('relative size-2 rounded-full', FILLS[tone])} />
    </span>
  );
}
