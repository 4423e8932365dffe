'use client';

import { useId, type InputHTMLAttributes, type ReactNode, type Ref, type SelectHTMLAttributes } from 'react';
import { cx } from './cx';

const CONTROL =
  'block w-full rounded-md border border-control bg-surface text-ink shadow-card ' +
  'text-base sm:text-sm disabled:bg-sunken disabled:text-muted [&:is(input,textarea)]:read-only:bg-sunken ' +
  'aria-invalid:border-bad focus-visible:outline-offset-0';

/** The classes of a text box, for a control that `TextField` does not cover. */
export function controlClass(more?: string): string {
  return cx(CONTROL, 'h-9 px-3 pointer-coarse:h-11', more);
}

interface FieldFrame {
  label: string;
  /** What to enter, in one sentence. */
  hint?: ReactNode;
  /** What is wrong and what to do; empty when valid. */
  error?: string;
  /** Shows the label to screen readers only. */
  hideLabel?: boolean;
  className?: string;
}

function Frame({
  id,
  label,
  hint,
  error,
  hideLabel = false,
  className,
  children,
}: FieldFrame & { id: string; children: ReactNode }) {
  return (
    <div className={cx('min-w-0', className)}>
      <label htmlFor={id} className={hideLabel ? 'sr-only' : 'mb-1.5 block text-xs font-medium text-ink'}>
        {label}
      </label>
      {children}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="mt-1.5 text-xs text-muted">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} role="alert" className="mt-1.5 text-xs font-medium text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

function described(id: string, { hint, error }: FieldFrame): string | undefined {
  const ids = [hint !== undefined && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return ids === '' ? undefined : ids;
}

export interface TextFieldProps
  extends FieldFrame, Omit<InputHTMLAttributes<HTMLInputElement>, 'id' | 'className' | 'children'> {
  id?: string;
  mono?: boolean;
  ref?: Ref<HTMLInputElement>;
}

/** A labelled text box with a hint and an error. */
export function TextField({ id, label, hint, error, hideLabel, className, mono = false, ...input }: TextFieldProps) {
  const generatedId = useId();
  const inputId = id ?? generatedId;
  const frame = { label, hint, error, hideLabel, className };
  return (
    <Frame id={inputId} {...frame}>
      <input
        {...input}
        id={inputId}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(inputId, frame)}
        className={controlClass(mono ? 'font-mono' : undefined)}
      />
    </Frame>
  );
}

export interface SelectFieldProps
  extends FieldFrame, Omit<SelectHTMLAttributes<HTMLSelectElement>, 'id' | 'className'> {
  id?: string;
  ref?: Ref<HTMLSelectElement>;
}

/** A labelled native select, which works well on phones and with screen readers. */
export function SelectField({ id, label, hint, error, hideLabel, className, children, ...select }: SelectFieldProps) {
  const generatedId = useId();
  const inputId = id ?? generatedId;
  const frame = { label, hint, error, hideLabel, className };
  return (
    <Frame id={inputId} {...frame}>
      <select
        {...select}
        id={inputId}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(inputId, frame)}
        className={controlClass('pr-8')}
      >
        {children}
      </select>
    </Frame>
  );
}
