'use client';

import { signIn } from 'next-auth/react';
import { useEffect, useRef, useState, type SubmitEvent } from 'react';
import { parseSignInError, waitText } from '@/lib/auth/next/sign-in-error';
import { Button } from '../../_ui/button';
import { FormError } from '../../_ui/form-error';
import { PasswordField } from '../../_ui/password-field';
import { CodeField } from '../../_ui/code-field';
import { formText } from '../../_ui/form-text';
import { focusUnlessBusy, useHydrated } from '../use-hydrated';

/** A sentence for a sign-in that did not work. */
function failureText(code: string, asksForCode: boolean): string {
  const failure = parseSignInError(code);
  switch (failure.kind) {
    case 'refused':
      return asksForCode ? 'Wrong password or code.' : 'Wrong password.';
    case 'wrong-origin':
      return 'This is not an address of the dashboard. Open it at its public one, or add this to NIXFLEET_ALLOWED_ORIGINS.';
    case 'throttled':
      return `Too many attempts. Try again in ${waitText(failure.retryAfterMs)}.`;
    case 'unstored':
      return 'The dashboard can’t keep a session: its database takes no changes now. Free its disk, or see its log.';
    case 'failed':
      return 'The dashboard could not sign you in. Its log says why.';
  }
}

async function attempt(password: string, code: string, asksForCode: boolean): Promise<string | null> {
  try {
    const answer = await signIn('credentials', { redirect: false, password, code });
    if (answer?.error) return failureText(answer.error, asksForCode);
    // Without its cookies next-auth answers as if all were well, and asks to begin again.
    if (answer?.ok && answer.url?.includes('csrf=true') !== true) return null;
    return 'Your browser did not keep the cookie for signing in. Open the dashboard at its public address.';
  } catch {
    return 'The dashboard does not answer. Check your connection and try again.';
  }
}

export function LoginForm({ asksForCode }: { asksForCode: boolean }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const passwordBox = useRef<HTMLInputElement>(null);
  const codeBox = useRef<HTMLInputElement>(null);
  const ready = useHydrated();

  useEffect(() => focusUnlessBusy(passwordBox.current), []);

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    setError(null);
    const problem = await attempt(formText(form, 'password'), formText(form, 'code'), asksForCode);
    if (problem === null) {
      // A whole new page: nothing of the time before the sign-in stays in memory.
      window.location.assign('/');
      return;
    }
    setBusy(false);
    if (codeBox.current) codeBox.current.value = '';
    setError(problem);
    passwordBox.current?.focus();
  }

  return (
    <form method="post" onSubmit={(event) => void submit(event)} className="space-y-4">
      <FormError message={error} />
      <input type="text" name="username" value="operator" autoComplete="username" readOnly hidden />
      <PasswordField ref={passwordBox} label="Password" name="password" autoComplete="current-password" />
      {asksForCode && <CodeField ref={codeBox} allowsRecovery />}
      <Button type="submit" variant="primary" size="lg" busy={busy} disabled={!ready} className="w-full">
        Sign in
      </Button>
    </form>
  );
}
