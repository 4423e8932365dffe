'use client';

import { useEffect, useRef, useState, type SubmitEvent } from 'react';
import { Button } from '../../_ui/button';
import { CodeField } from '../../_ui/code-field';
import { FormError } from '../../_ui/form-error';
import { formText } from '../../_ui/form-text';
import { Heading } from '../heading';
import { CopyButton } from '../../_ui/copy-button';

export interface TotpOffer {
  /** Base32, for typing. */
  secret: string;
  /** The QR code, as a data: address. */
  image: string;
}

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
        Scan this with an authenticator app (Aegis, 2FAS, 1Password, Google Authenticator …), then write the code that
        it shows.
      </Heading>
      <FormError message={error} />
      <img
        src={offer.image}
        alt="QR code with the secret that is written below"
        width={208}
        height={208}
        className="mx-auto size-52 rounded-lg border"
      />
      <div className="rounded-md bg-sunken px-3 py-2.5">
        <p className="text-xs text-muted">Or type this secret into the app:</p>
        <p id="totp-secret" className="mt-1 font-mono text-sm break-all text-ink" translate="no">
          {offer.secret.match(/.{1,4}/g)?.join(' ')}
        </p>
        <div className="mt-2 flex flex-wrap items-center gap-2">
          <CopyButton text={offer.secret} label="Copy secret" elementId="totp-secret" />
        </div>
      </div>
      <CodeField ref={box} />
      <Button type="submit" variant="primary" size="lg" busy={busy} className="w-full">
        Confirm
      </Button>
    </form>
  );
}
