'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { ShieldCheck, ShieldOff } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import type { TotpOffer } from '@/app/_account/totp-secret';
import { errorText, NO_ANSWER } from '@/app/_step-up/error-text';
import { withStepUp, type StepUpWords } from '@/app/_step-up/step-up';
import { Badge } from '@/app/_ui/badge';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import { toast } from '@/app/_ui/toast-store';
import type { AccountChange, AccountView } from '@/lib/auth/operator/account';
import type { StepUpActionResult } from '@/lib/auth/next/action-result';
import { Fact, Facts } from '../facts';
import { offerSecondFactor, removeSecondFactor, renewRecoveryCodes } from './actions';
import { endedText } from './ended-text';
import { EnrolDialog } from './enrol-dialog';
import { RecoveryDialog } from './recovery-dialog';

/** Warn when fewer recovery codes than this are left. */
const FEW_CODES = 3;

type Shown = { kind: 'offer'; offer: TotpOffer } | { kind: 'codes'; codes: readonly string[] };

/** Sets up, replaces and removes the second factor and its recovery codes. */
export function SecondFactorCard({ account }: { account: AccountView }) {
  const router = useRouter();
  const [shown, setShown] = useState<Shown | null>(null);
  const [busy, setBusy] = useState(false);
  const { secondFactor, secondFactorRequired, recoveryCodesLeft } = account;
  const on = secondFactor !== 'none';

  /** Sends a change and shows its result. */
  async function change(
    words: StepUpWords,
    done: string,
    failed: string,
    send: (proof?: string) => Promise<StepUpActionResult<AccountChange>>,
  ) {
    setBusy(true);
    try {
      const result = await withStepUp(words, send);
      if (result?.ok) finish(done, result.value);
      else if (result) toast({ tone: 'error', title: failed, body: errorText(result.error) });
    } catch {
      toast({ tone: 'error', title: failed, body: NO_ANSWER });
    }
    setBusy(false);
  }

  function finish(title: string, { recoveryCodes, endedSessions }: AccountChange) {
    toast({ tone: 'success', title, body: endedText(endedSessions) });
    setShown(recoveryCodes.length === 0 ? null : { kind: 'codes', codes: recoveryCodes });
    router.refresh();
  }

  async function offer() {
    setBusy(true);
    try {
      const result = await answerOf(offerSecondFactor({}));
      if (result.ok) setShown({ kind: 'offer', offer: result.value });
      else toast({ tone: 'error', title: 'Could not set up the second factor', body: errorText(result.error) });
    } catch {
      toast({ tone: 'error', title: 'Could not set up the second factor', body: NO_ANSWER });
    }
    setBusy(false);
  }

  return (
    <Card
      title="Second factor"
      description="Signing in and dangerous operations require a code from an authenticator app."
      flush
    >
      <Facts>
        <Fact name="State" hint={stateHint(account)}>
          <div className="flex flex-wrap items-center justify-between gap-3">
            {on ? (
              <Badge tone="ok" icon={<ShieldCheck className="size-3.5" aria-hidden="true" />}>
                On
              </Badge>
            ) : (
              <Badge tone="warn" icon={<ShieldOff className="size-3.5" aria-hidden="true" />}>
                Off
              </Badge>
            )}
            {secondFactor !== 'configured' && (
              <div className="flex flex-wrap gap-2">
                {on && !secondFactorRequired && (
                  <Button
                    size="sm"
                    disabled={busy}
                    onClick={() =>
                      void change(
                        { label: 'Remove', description: 'Afterwards, the password alone is enough to sign in.' },
                        'Second factor removed',
                        'Could not remove the second factor',
                        (proof) => answerOf(removeSecondFactor({}, proof)),
                      )
                    }
                  >
                    Remove …
                  </Button>
                )}
                <Button size="sm" variant={on ? 'secondary' : 'primary'} busy={busy} onClick={() => void offer()}>
                  {on ? 'Replace …' : 'Set up …'}
                </Button>
              </div>
            )}
          </div>
        </Fact>
        {on && (
          <Fact
            name="Recovery codes"
            hint="Use one instead of a code from the app if you lose your phone. Each works once."
          >
            <div className="flex flex-wrap items-center justify-between gap-3">
              <span className="flex items-center gap-2">
                {recoveryCodesLeft} left
                {recoveryCodesLeft < FEW_CODES && <Badge tone="warn">{recoveryCodesLeft === 0 ? 'none' : 'few'}</Badge>}
              </span>
              <Button
                size="sm"
                disabled={busy}
                onClick={() =>
                  void change(
                    { label: 'Create new codes', description: 'The existing recovery codes stop working.' },
                    'New recovery codes created',
                    'Could not create new recovery codes',
                    (proof) => answerOf(renewRecoveryCodes({}, proof)),
                  )
                }
              >
                Create new codes …
              </Button>
            </div>
          </Fact>
        )}
      </Facts>
      {shown?.kind === 'offer' && (
        <EnrolDialog
          offer={shown.offer}
          replaces={on}
          onClose={() => setShown(null)}
          onDone={(result) => finish(on ? 'Second factor replaced' : 'Second factor set up', result)}
        />
      )}
      {shown?.kind === 'codes' && <RecoveryDialog codes={shown.codes} onClose={() => setShown(null)} />}
    </Card>
  );
}

function stateHint({ secondFactor, secondFactorRequired }: AccountView): string {
  if (secondFactor === 'configured') return 'Set by NIXFLEET_TOTP_SECRET in the environment. Change it there.';
  if (secondFactor === 'none')
    return 'The password alone gives access to this dashboard, which can run commands on every host.';
  return secondFactorRequired
    ? 'Required by NIXFLEET_REQUIRE_TOTP, so it can’t be removed. Replacing it signs out all other sessions.'
    : 'Replacing or removing it signs out all other sessions.';
}
