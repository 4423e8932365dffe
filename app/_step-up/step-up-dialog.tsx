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

/** Asks for a fresh code or the password, whenever a request needs one. Once in the shell. */
export function StepUpDialog() {
  const question = useSyncExternalStore(stepUpStore.subscribe, stepUpStore.get, noQuestion);
  return question && <Question key={question.id} question={question} />;
}

/** Why the answer keeps the question open; null when it is over. */
function problemOf(answer: Answer): string | null {
  if (answer.ok) return null;
  switch (answer.error.kind) {
    case 'step-up-required':
      return 'Write it first.';
    case 'step-up-refused':
      return answer.error.asksFor === 'code'
        ? 'This code is not right, or was used before. Each is good for one request: wait for the next one.'
        : 'This password is not right.';
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
      // It may have arrived all the same, and then the code is used up: nothing is sent again unasked.
      found = 'The dashboard does not answer. Once it does, look whether it was done before you try again.';
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
      title={`${label}: is it you?`}
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
          {asksFor === 'code' ? 'A fresh code' : 'It'} is asked for each time, so that an open browser alone is not
          enough.
        </p>
      </form>
    </Dialog>
  );
}
