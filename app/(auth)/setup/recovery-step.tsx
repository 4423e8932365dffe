'use client';

import { useEffect, useRef } from 'react';
import { RecoveryCodes } from '../../_account/recovery-codes';
import { buttonClass } from '../../_ui/button';
import { Heading } from '../heading';

/** The last step of set-up, and the only time that the recovery codes are shown. */
export function RecoveryStep({ codes }: { codes: string[] }) {
  const top = useRef<HTMLDivElement>(null);

  // The form that had the focus has been removed.
  useEffect(() => top.current?.focus(), []);

  return (
    <div ref={top} tabIndex={-1} className="space-y-4 outline-none">
      {codes.length === 0 ? (
        <Heading title="Set-up complete">
          The password is stored. Sign in with it and a code from the configured second factor.
        </Heading>
      ) : (
        <>
          <Heading title="Save your recovery codes">
            Use one if you lose your phone. Each works once. They are not shown again.
          </Heading>
          <RecoveryCodes codes={codes} />
        </>
      )}
      <a href="/login" className={buttonClass('primary', 'lg', 'w-full')}>
        Sign in
      </a>
    </div>
  );
}
