import { Check, Circle, Minus, X } from 'lucide-react';
import { cx } from '@/app/_ui/cx';
import { confirmationMarks, MARK_WORDS, type MarkState } from './confirmation-words';
import type { ConfirmationView } from '@/lib/protocol/live/views/command-view';

const SHAPES: Record<MarkState, { Shape: typeof Check; className: string }> = {
  passed: { Shape: Check, className: 'text-ok' },
  failed: { Shape: X, className: 'text-bad' },
  pending: { Shape: Circle, className: 'text-faint' },
  none: { Shape: Minus, className: 'text-faint' },
};

/** The three marks of a confirmed switch: reached, units, checks. */
export function ConfirmationMarks({ confirmation, className }: { confirmation: ConfirmationView; className?: string }) {
  return (
    <span
      className={cx('flex gap-x-1.5 text-2xs whitespace-nowrap text-muted', className)}
      data-testid="confirmation-marks"
    >
      {confirmationMarks(confirmation).map(({ name, state }) => (
        <span key={name} className="flex items-center gap-0.5" data-mark={name.toLowerCase()} data-state={state}>
          <MarkShape state={state} />
          {name}
          <span className="sr-only"> {MARK_WORDS[state]}</span>
        </span>
      ))}
    </span>
  );
}

/** Each state has a shape, so that it does not depend on colour. Decorative: show the word beside it. */
export function MarkShape({ state }: { state: MarkState }) {
  const { Shape, className } = SHAPES[state];
  return <Shape aria-hidden="true" className={cx('size-3 shrink-0', className)} />;
}
