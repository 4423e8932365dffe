'use client';

import { RecoveryCodes } from '@/app/_account/recovery-codes';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';

/** Shows new recovery codes once. A click outside does not close it, because the codes would be lost. */
export function RecoveryDialog({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  return (
    <Dialog
      open
      onClose={onClose}
      closesByPress={false}
      title="Save your recovery codes"
      description="Use one if you lose your phone. Each works once. They are not shown again."
      footer={
        <Button variant="primary" onClick={onClose}>
          I have saved them
        </Button>
      }
    >
      <div className="space-y-3">
        <RecoveryCodes codes={codes} />
      </div>
    </Dialog>
  );
}
