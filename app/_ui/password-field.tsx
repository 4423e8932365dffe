'use client';

import { Eye, EyeOff } from 'lucide-react';
import { useId, useState, type Ref } from 'react';
import { controlClass } from './field';

export interface PasswordFieldProps {
  label: string;
  name: string;
  autoComplete: 'current-password' | 'new-password';
  hint?: string;
  error?: string | null;
  /** Focused when its dialog opens. */
  focusFirst?: boolean;
  ref?: Ref<HTMLInputElement>;
}

/**
 * A password field with a button that shows the password. Uncontrolled: the form reads it on submit, so that a value
 * filled in by a password manager before the page's script runs is kept.
 */
export function PasswordField({ label, name, autoComplete, hint, error, focusFirst = false, ref }: PasswordFieldProps) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const described = error ? `${id}-error` : hint ? `${id}-hint` : undefined;
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-xs font-medium text-ink">
        {label}
      </label>
      <div className="relative">
        <input
          id={id}
          ref={ref}
          name={name}
          type={shown ? 'text' : 'password'}
          autoComplete={autoComplete}
          autoCapitalize="none"
          spellCheck={false}
          required
          data-autofocus={focusFirst || undefined}
          aria-invalid={error ? true : undefined}
          aria-describedby={described}
          className={controlClass('pr-11')}
        />
        <button
          type="button"
          onClick={() => setShown(!shown)}
          aria-label={`Show ${label.toLowerCase()}`}
          aria-pressed={shown}
          className="absolute inset-y-0 right-0 flex w-10 items-center justify-center rounded-md text-muted hover:text-ink"
        >
          {shown ? <EyeOff aria-hidden="true" className="size-4" /> : <Eye aria-hidden="true" className="size-4" />}
        </button>
      </div>
      {hint && !error && (
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
