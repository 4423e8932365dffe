'use client';

import { useState, type Ref } from 'react';
import { TextField } from './field';

export interface CodeFieldProps {
  /** Also accepts a recovery code. */
  allowsRecovery?: boolean;
  error?: string;
  /** Focused when its dialog opens. */
  focusFirst?: boolean;
  ref?: Ref<HTMLInputElement>;
}

/** The six digits of the authenticator app, or a recovery code. Uncontrolled: the form reads it on submit. */
export function CodeField({ allowsRecovery = false, error, focusFirst = false, ref }: CodeFieldProps) {
  const [recovery, setRecovery] = useState(false);
  return (
    <div>
      <TextField
        key={recovery ? 'recovery' : 'app'}
        ref={ref}
        label={recovery ? 'Recovery code' : 'Code from your authenticator app'}
        name="code"
        mono
        inputMode={recovery ? 'text' : 'numeric'}
        autoComplete="one-time-code"
        autoCapitalize={recovery ? 'characters' : 'none'}
        spellCheck={false}
        maxLength={40}
        placeholder={recovery ? 'ABCD-EFGH-IJKL-MNOP' : '123456'}
        error={error}
        data-autofocus={focusFirst || undefined}
        required
      />
      {allowsRecovery && (
        <button
          type="button"
          onClick={() => setRecovery(!recovery)}
          className="mt-1.5 min-h-6 rounded-sm text-xs text-accent hover:underline"
        >
          {recovery ? 'Use a code from the app' : 'Use a recovery code'}
        </button>
      )}
    </div>
  );
}
