'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { revokeCode, revokeToken } from './actions';
import { runAction } from './run-action';

export interface Revocable {
  kind: 'token' | 'code';
  id: string;
  target: string;
  isUsed: boolean;
}

/** Confirms the revocation of a token or a code, which can't be undone. */
export function RevokeDialog({ what, onClose }: { what: Revocable | null; onClose: () => void }) {
  const router = useRouter();
  const [busy, setBusy] = useState(false);
  const revoke = async () => {
    if (!what) return;
    setBusy(true);
    const send = (input: { id: string }, proof?: string) =>
      what.kind === 'token' ? answerOf(revokeToken(input, proof)) : answerOf(revokeCode(input));
    await runAction({ label: 'Revoke' }, `Could not revoke the ${what.kind}`, (proof) => send({ id: what.id }, proof));
    setBusy(false);
    onClose();
    router.refresh();
  };
  return (
    <Dialog
      open={what !== null}
      onClose={onClose}
      size="sm"
      title={what?.kind === 'code' ? 'Revoke this code?' : `Revoke this token of ${what?.target ?? ''}?`}
      description={
        what?.kind === 'code'
          ? `This code is for ${what.target}. Once revoked, it can’t be used.`
          : what?.isUsed
            ? 'The connection that uses it is closed at once, and its agent can’t reconnect with it.'
            : 'This token has not been used yet. Once revoked, it can’t be used to connect.'
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="danger" busy={busy} data-autofocus onClick={() => void revoke()}>
            Revoke
          </Button>
        </>
      }
    />
  );
}
