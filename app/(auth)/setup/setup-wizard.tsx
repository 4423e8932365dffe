'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useState } from 'react';
import type { SetupResult } from '@/lib/auth/operator/auth-service';
import type { ActionResult } from '@/lib/auth/next/action-result';
import { waitText } from '@/lib/auth/next/sign-in-error';
import type { TotpOffer } from '../../_account/totp-secret';
import { completeSetup } from './actions';
import { PasswordStep } from './password-step';
import { RecoveryStep } from './recovery-step';
import { TotpStep } from './totp-step';

type Step =
  | { name: 'password'; error: string | null }
  | { name: 'totp'; password: string; error: string | null }
  | { name: 'done'; recoveryCodes: string[] };

/** The result of a request: the recovery codes, or the step with a problem and its message. */
type Answer = { recoveryCodes: string[] } | { field: 'password' | 'code' | 'form'; message: string };

function read(result: ActionResult<SetupResult>): Answer {
  if (!result.ok) {
    const { error } = result;
    const message = error.kind === 'failed' ? error.message : 'The input is not valid. Check it and try again.';
    return { field: 'form', message };
  }
  const { value } = result;
  switch (value.kind) {
    case 'done':
      return { recoveryCodes: value.recoveryCodes };
    case 'throttled':
      return { field: 'form', message: `Too many attempts. Try again in ${waitText(value.retryAfterMs)}.` };
    case 'refused':
      return { field: value.field === 'setup-code' ? 'form' : value.field, message: value.message };
  }
}

async function send(request: Parameters<typeof completeSetup>[0]): Promise<Answer> {
  try {
    return read(await answerOf(completeSetup(request)));
  } catch {
    return { field: 'form', message: 'The dashboard does not answer. Check your connection and try again.' };
  }
}

/** Password, second factor, recovery codes. Nothing is stored before the second factor is verified. */
export function SetupWizard({ setupCode, totp }: { setupCode: string; totp: TotpOffer | null }) {
  // Keep the first offer: with a new secret, codes from the scanned one would not match.
  const [offer] = useState(totp);
  const [step, setStep] = useState<Step>({ name: 'password', error: null });

  async function finish(password: string, code: string) {
    const answer = await send({ setupCode, password, secret: offer?.secret ?? '', code });
    if ('recoveryCodes' in answer) setStep({ name: 'done', recoveryCodes: answer.recoveryCodes });
    else if (offer === null || answer.field === 'password') setStep({ name: 'password', error: answer.message });
    else setStep({ name: 'totp', password, error: answer.message });
  }

  async function choosePassword(password: string) {
    if (offer === null) await finish(password, '');
    else setStep({ name: 'totp', password, error: null });
  }

  switch (step.name) {
    case 'password':
      return (
        <PasswordStep steps={offer === null ? null : 'Step 1 of 2'} error={step.error} onChosen={choosePassword} />
      );
    case 'totp':
      return offer && <TotpStep offer={offer} error={step.error} onCode={(code) => finish(step.password, code)} />;
    case 'done':
      return <RecoveryStep codes={step.recoveryCodes} />;
  }
}
