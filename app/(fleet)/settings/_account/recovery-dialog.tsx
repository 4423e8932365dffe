'use client';

import { RecoveryCodes } from '@/app/_account/recovery-codes';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';

/** New recovery codes, seen this once. A click beside it does not close it: they would be gone. */
export function RecoveryDialog({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  return (
    <Dialog
      open
      onClose={onClose}
      closesByPress={false}
      title="Keep your recovery codes"
      description="Each is good once when your phone is lost. They are shown now and never again."
      footer={
        <Button variant="primary" onClick={onClose}>
          I have kept them
        </Button>
      }
    >
      <div className="space-y-3">
        <RecoveryCodes codes={codes} />
      </div>
    </Dialog>
  );
}
