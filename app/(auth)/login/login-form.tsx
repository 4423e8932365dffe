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

/** A sentence for a failed sign-in. */
function failureText(code: string, asksForCode: boolean): string {
  const failure = parseSignInError(code);
  switch (failure.kind) {
    case 'refused':
      return asksForCode ? 'Wrong password or code.' : 'Wrong password.';
    case 'wrong-origin':
      return 'This address is not allowed. Open the dashboard at its public address, or add this one to NIXFLEET_ALLOWED_ORIGINS.';
    case 'throttled':
      return `Too many attempts. Try again in ${waitText(failure.retryAfterMs)}.`;
    case 'unstored':
      return 'The dashboard can’t store a session because its database can’t be written. Free disk space, or check its log.';
    case 'failed':
      return 'The dashboard could not sign you in. Check its log for the reason.';
  }
}

async function attempt(password: string, code: string, asksForCode: boolean): Promise<string | null> {
  try {
    const answer = await signIn('credentials', { redirect: false, password, code });
    if (answer?.error) return failureText(answer.error, asksForCode);
    // Without its cookies, next-auth reports success and asks to start again.
    if (answer?.ok && answer.url?.includes('csrf=true') !== true) return null;
    return 'Your browser did not store the sign-in cookie. Open the dashboard at its public address.';
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
      // A full page load, so that nothing from before the sign-in stays in memory.
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
