'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useRef, useState, type SubmitEvent } from 'react';
import { TotpSecret, type TotpOffer } from '@/app/_account/totp-secret';
import { errorText, NO_ANSWER } from '@/app/_step-up/error-text';
import { withStepUp } from '@/app/_step-up/step-up';
import { Button } from '@/app/_ui/button';
import { CodeField } from '@/app/_ui/code-field';
import { Dialog } from '@/app/_ui/dialog';
import { FormError } from '@/app/_ui/form-error';
import { formText } from '@/app/_ui/form-text';
import type { AccountChange } from '@/lib/auth/operator/account';
import { waitText } from '@/lib/auth/next/sign-in-error';
import { enrolSecondFactor } from './actions';

interface EnrolDialogProps {
  offer: TotpOffer;
  /** Replaces an existing second factor, whose code is then required too. */
  replaces: boolean;
  onClose: () => void;
  onDone: (change: AccountChange) => void;
}

/** Shows a new secret and asks for a code generated with it. Nothing is stored before that code is correct. */
export function EnrolDialog({ offer, replaces, onClose, onDone }: EnrolDialogProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return;
    const code = formText(event.currentTarget, 'code');
    setBusy(true);
    setProblem(null);
    const found = await send(code);
    setBusy(false);
    setProblem(found);
    if (found !== null && field.current) {
      field.current.value = '';
      field.current.focus();
    }
  }

  /** The problem; null on success, or when the operator cancelled. */
  async function send(code: string): Promise<string | null> {
    try {
      const words = {
        label: replaces ? 'Replace' : 'Set up',
        description: replaces ? 'Confirm with a code from your current second factor.' : undefined,
      };
      const result = await withStepUp(words, (proof) =>
        answerOf(enrolSecondFactor({ secret: offer.secret, code }, proof)),
      );
      if (result === null) return null;
      if (!result.ok) return errorText(result.error);
      const { value } = result;
      if (!('kind' in value)) {
        onDone(value);
        return null;
      }
      return value.kind === 'throttled'
        ? `Too many attempts. Try again in ${waitText(value.retryAfterMs)}.`
        : value.message;
    } catch {
      return NO_ANSWER;
    }
  }

  return (
    <Dialog
      open
      onClose={onClose}
      size="sm"
      title={replaces ? 'Replace the second factor' : 'Set up a second factor'}
      description="Scan this with an authenticator app, then enter the code that it shows."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="enrol" variant="primary" busy={busy}>
            Continue
          </Button>
        </>
      }
    >
      <form id="enrol" method="post" onSubmit={(event) => void submit(event)} className="space-y-4">
        <TotpSecret offer={offer} />
        <FormError message={problem} />
        <CodeField ref={field} focusFirst />
      </form>
    </Dialog>
  );
}
