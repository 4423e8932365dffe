import { Check, Minus, TriangleAlert, X } from 'lucide-react';
import { cx } from '@/app/_ui/cx';
import { Spinner } from '@/app/_ui/spinner';
import type { NixStep } from './nix-phase';

const STATES: Record<NixStep['state'], { className: string; word: string }> = {
  done: { className: 'text-ok', word: 'done' },
  active: { className: 'text-busy font-medium', word: 'running' },
  warned: { className: 'text-warn', word: 'done, with warnings' },
  waiting: { className: 'text-faint', word: 'not started' },
  interrupted: { className: 'text-bad', word: 'interrupted' },
};

const ICONS = { done: Check, warned: TriangleAlert, waiting: Minus, interrupted: X };

function StepIcon({ state }: { state: NixStep['state'] }) {
  if (state === 'active') return <Spinner size="sm" />;
  const Icon = ICONS[state];
  return <Icon aria-hidden="true" className="size-3.5" />;
}

/** The phases of a Nix build, in order: evaluate, fetch, build n of m, activate. */
export function NixSteps({ steps }: { steps: readonly NixStep[] }) {
  if (steps.length === 0) return null;
  return (
    <ol aria-label="Build progress" className="flex flex-wrap items-center gap-x-4 gap-y-1 text-xs">
      {steps.map(({ phase, label, state, count }) => (
        <li key={phase} data-state={state} className={cx('flex items-center gap-1.5', STATES[state].className)}>
          <StepIcon state={state} />
          {label}
          {count !== '' && <span>{count}</span>}
          <span className="sr-only">({STATES[state].word})</span>
        </li>
      ))}
    </ol>
  );
}
