import { Check, Minus, X } from 'lucide-react';
import { cx } from '@/app/_ui/cx';
import { Spinner } from '@/app/_ui/spinner';
import type { NixStep } from './nix-phase';

const STATES: Record<NixStep['state'], { className: string; word: string }> = {
  done: { className: 'text-ok', word: 'done' },
  active: { className: 'text-busy font-medium', word: 'running' },
  waiting: { className: 'text-faint', word: 'not started' },
  interrupted: { className: 'text-bad', word: 'interrupted' },
};

function StepIcon({ state }: { state: NixStep['state'] }) {
  if (state === 'active') return <Spinner size="sm" />;
  const Icon = state === 'done' ? Check : state === 'interrupted' ? X : Minus;
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
