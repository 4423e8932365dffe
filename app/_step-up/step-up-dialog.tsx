'use client';

import { useRef, useState, useSyncExternalStore, type SubmitEvent } from 'react';
import { useLiveFacts } from '@/app/_live/live';
import { waitText } from '@/lib/auth/next/sign-in-error';
import { Button } from '../_ui/button';
import { CodeField } from '../_ui/code-field';
import { Dialog } from '../_ui/dialog';
import { FormError } from '../_ui/form-error';
import { formText } from '../_ui/form-text';
import { PasswordField } from '../_ui/password-field';
import { noQuestion, stepUpStore, type Answer, type StepUpQuestion } from './step-up';

/** Asks for a new code or the password when a request requires step-up authentication. Mounted once, in the shell. */
export function StepUpDialog() {
  const question = useSyncExternalStore(stepUpStore.subscribe, stepUpStore.get, noQuestion);
  return question && <Question key={question.id} question={question} />;
}

/** The problem for which the dialog stays open; null when it closes. */
function problemOf(answer: Answer): string | null {
  if (answer.ok) return null;
  switch (answer.error.kind) {
    case 'step-up-required':
      return answer.error.asksFor === 'code' ? 'Enter a code.' : 'Enter your password.';
    case 'step-up-refused':
      return answer.error.asksFor === 'code'
        ? 'This code is wrong or was already used. Each code works once: wait for the next one.'
        : 'Wrong password.';
    case 'throttled':
      return `Too many attempts. Try again in ${waitText(answer.error.retryAfterMs)}.`;
    default:
      return null;
  }
}

function Question({ question }: { question: StepUpQuestion }) {
  const { label, description, asksFor, send, done } = question;
  const { userName } = useLiveFacts();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return;
    const proof = formText(event.currentTarget, asksFor);
    setBusy(true);
    setProblem(null);
    let found: string | null;
    try {
      const answer = await send(proof);
      found = problemOf(answer);
      if (found === null) {
        done(answer);
        return;
      }
    } catch {
      // The request may have arrived, and the code is then used up: never send it again automatically.
      found = 'The dashboard did not answer. Check whether the request was carried out before you try again.';
    }
    setBusy(false);
    setProblem(found);
    if (field.current) field.current.value = '';
    field.current?.focus();
  }

  return (
    <Dialog
      open
      onClose={() => done(null)}
      size="sm"
      title={`${label}: confirm it’s you`}
      description={description}
      footer={
        <>
          <Button onClick={() => done(null)}>Cancel</Button>
          <Button type="submit" form="step-up" variant="primary" busy={busy}>
            {label}
          </Button>
        </>
      }
    >
      <form id="step-up" method="post" onSubmit={(event) => void submit(event)} className="space-y-3">
        <FormError message={problem} />
        {asksFor === 'code' ? (
          <CodeField ref={field} allowsRecovery focusFirst />
        ) : (
          <>
            <input type="text" name="username" value={userName} autoComplete="username" readOnly hidden />
            <PasswordField
              ref={field}
              label="Your password"
              name="password"
              autoComplete="current-password"
              focusFirst
            />
          </>
        )}
        <p className="text-xs text-muted">
          {asksFor === 'code' ? 'A new code' : 'Your password'} is required each time, so that nobody can do this from a
          browser you left open.
        </p>
      </form>
    </Dialog>
  );
}
