'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { revokeCode, revokeToken } from './actions';
import { ask } from './ask';

export interface Revocable {
  kind: 'token' | 'code';
  id: string;
  whom: string;
  isUsed: boolean;
}

/** A second look before something ends that can't be brought back. */
export function RevokeDialog({ what, onClose }: { what: Revocable | null; onClose: () => void }) {
  const router = useRouter();
  const [busy, setBusy] = useState(false);
  const revoke = async () => {
    if (!what) return;
    setBusy(true);
    const send = (input: { id: string }, proof?: string) =>
      what.kind === 'token' ? answerOf(revokeToken(input, proof)) : answerOf(revokeCode(input));
    await ask({ label: 'Revoke' }, (proof) => send({ id: what.id }, proof));
    setBusy(false);
    onClose();
    router.refresh();
  };
  return (
    <Dialog
      open={what !== null}
      onClose={onClose}
      size="sm"
      title={what?.kind === 'code' ? 'Revoke this code?' : `Revoke this token of ${what?.whom ?? ''}?`}
      description={
        what?.kind === 'code'
          ? `No host can use it any more. It was for ${what.whom}.`
          : what?.isUsed
            ? 'The connection that uses it ends at once, and its agent can’t come back with it.'
            : 'It was not used yet. Whoever has it can’t come in with it any more.'
      }
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button variant="danger" busy={busy} data-autofocus onClick={() => void revoke()}>
            Revoke
          </Button>
        </>
      }
    />
  );
}
