'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useRouter } from 'next/navigation';
import { useState, type SubmitEvent } from 'react';
import { errorText, NO_ANSWER } from '@/app/_step-up/error-text';
import { withStepUp } from '@/app/_step-up/step-up';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import { FormError } from '@/app/_ui/form-error';
import { formText } from '@/app/_ui/form-text';
import { PasswordField } from '@/app/_ui/password-field';
import { toast } from '@/app/_ui/toast-store';
import { MIN_PASSWORD, passwordProblem } from '@/lib/auth/operator/password-rule';
import { changePassword } from './actions';
import { endedText } from './ended-text';

interface Problems {
  current?: string;
  password?: string;
  again?: string;
  form?: string;
}

export function PasswordCard({ configured, userName }: { configured: boolean; userName: string }) {
  if (!configured) return <PasswordForm userName={userName} />;
  return (
    <Card title="Password">
      <p className="text-sm text-muted">
        <code className="text-xs text-ink">NIXFLEET_PASSWORD_HASH</code> in the environment sets the password, so it
        can’t be changed here. Create a new hash with <code className="text-xs text-ink">nixfleet hash-password</code>,
        set the variable and restart. All sessions then end.
      </p>
    </Card>
  );
}

function PasswordForm({ userName }: { userName: string }) {
  const router = useRouter();
  const [problems, setProblems] = useState<Problems>({});
  const [busy, setBusy] = useState(false);

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const current = formText(form, 'current');
    const password = formText(form, 'password');
    const weak = passwordProblem(password);
    const differs = password !== formText(form, 'again');
    setProblems({ password: weak ?? undefined, again: differs ? 'The passwords do not match.' : undefined });
    if (weak !== null || differs) return;
    setBusy(true);
    try {
      const words = { label: 'Change password' };
      const result = await withStepUp(words, (proof) => answerOf(changePassword({ current, password }, proof)));
      if (result?.ok) {
        form.reset();
        toast({ tone: 'success', title: 'Password changed', body: endedText(result.value.endedSessions) });
        router.refresh();
      } else if (result !== null) {
        const { error } = result;
        const path = error.kind === 'invalid' ? error.issues[0]?.path : undefined;
        const field = path === 'current' || path === 'password' ? path : 'form';
        setProblems({ [field]: errorText(error) });
      }
    } catch {
      setProblems({ form: NO_ANSWER });
    }
    setBusy(false);
  }

  return (
    <Card title="Password" description="Changing the password signs out all other sessions.">
      <form method="post" onSubmit={(event) => void submit(event)} className="max-w-sm space-y-4" noValidate>
        <FormError message={problems.form ?? null} />
        <input type="text" name="username" value={userName} autoComplete="username" readOnly hidden />
        <PasswordField
          label="Current password"
          name="current"
          autoComplete="current-password"
          error={problems.current}
        />
        <PasswordField
          label="New password"
          name="password"
          autoComplete="new-password"
          hint={`At least ${MIN_PASSWORD} characters.`}
          error={problems.password}
        />
        <PasswordField label="Confirm password" name="again" autoComplete="new-password" error={problems.again} />
        <Button type="submit" busy={busy}>
          Change password
        </Button>
      </form>
    </Card>
  );
}
