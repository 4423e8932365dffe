'use client';

import { useEffect, useRef, useState, type SubmitEvent } from 'react';
import { TotpSecret, type TotpOffer } from '../../_account/totp-secret';
import { Button } from '../../_ui/button';
import { CodeField } from '../../_ui/code-field';
import { FormError } from '../../_ui/form-error';
import { formText } from '../../_ui/form-text';
import { Heading } from '../heading';

interface TotpStepProps {
  offer: TotpOffer;
  error: string | null;
  onCode: (code: string) => Promise<void>;
}

export function TotpStep({ offer, error, onCode }: TotpStepProps) {
  const [busy, setBusy] = useState(false);
  const box = useRef<HTMLInputElement>(null);

  useEffect(() => box.current?.focus({ preventScroll: true }), []);

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const code = formText(event.currentTarget, 'code');
    setBusy(true);
    await onCode(code);
    setBusy(false);
    if (!box.current) return;
    box.current.value = '';
    box.current.focus();
  }

  return (
    <form method="post" onSubmit={(event) => void submit(event)} className="space-y-4">
      <p className="mb-1 text-xs font-medium text-muted">Step 2 of 2</p>
      <Heading title="Add a second factor">
        Scan this with an authenticator app (Aegis, 2FAS, 1Password, Google Authenticator …), then enter the code that
        it shows.
      </Heading>
      <FormError message={error} />
      <TotpSecret offer={offer} />
      <CodeField ref={box} />
      <Button type="submit" variant="primary" size="lg" busy={busy} className="w-full">
        Confirm
      </Button>
    </form>
  );
}
