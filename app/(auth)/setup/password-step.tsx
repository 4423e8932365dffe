'use client';

import { useEffect, useRef, useState, type SubmitEvent } from 'react';
import { MIN_PASSWORD, passwordProblem } from '@/lib/auth/operator/password-rule';
import { Button } from '../../_ui/button';
import { FormError } from '../../_ui/form-error';
import { Heading } from '../heading';
import { formText } from '../../_ui/form-text';
import { PasswordField } from '../../_ui/password-field';
import { focusUnlessBusy, useHydrated } from '../use-hydrated';

interface PasswordStepProps {
  /** "Step 1 of 2"; null when there is only one step. */
  steps: string | null;
  error: string | null;
  onChosen: (password: string) => Promise<void>;
}

export function PasswordStep({ steps, error, onChosen }: PasswordStepProps) {
  const [problem, setProblem] = useState<{ password?: string; again?: string }>({});
  const [busy, setBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);

  const ready = useHydrated();

  useEffect(() => focusUnlessBusy(first.current), []);

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const password = formText(event.currentTarget, 'password');
    const weak = passwordProblem(password);
    const differs = password !== formText(event.currentTarget, 'again');
    setProblem({ password: weak ?? undefined, again: differs ? 'The passwords do not match.' : undefined });
    if (weak !== null || differs) return;
    setBusy(true);
    await onChosen(password);
    setBusy(false);
  }

  return (
    <form method="post" onSubmit={(event) => void submit(event)} className="space-y-4" noValidate>
      {steps && <p className="mb-1 text-xs font-medium text-muted">{steps}</p>}
      <Heading title="Choose a password">
        Anyone who knows it can change every host of the fleet. A long phrase that you can remember is best.
      </Heading>
      <FormError message={error} />
      <input type="text" name="username" value="operator" autoComplete="username" readOnly hidden />
      <PasswordField
        ref={first}
        label="New password"
        name="password"
        autoComplete="new-password"
        hint={`At least ${MIN_PASSWORD} characters.`}
        error={problem.password}
      />
      <PasswordField label="Confirm password" name="again" autoComplete="new-password" error={problem.again} />
      <Button type="submit" variant="primary" size="lg" busy={busy} disabled={!ready} className="w-full">
        Continue
      </Button>
    </form>
  );
}
