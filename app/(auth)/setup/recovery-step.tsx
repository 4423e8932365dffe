'use client';

import { useEffect, useRef } from 'react';
import { RecoveryCodes } from '../../_account/recovery-codes';
import { buttonClass } from '../../_ui/button';
import { Heading } from '../heading';

/** The end of set-up; the only time that the recovery codes are seen. */
export function RecoveryStep({ codes }: { codes: string[] }) {
  const top = useRef<HTMLDivElement>(null);

  // The form that had the focus is gone.
  useEffect(() => top.current?.focus(), []);

  return (
    <div ref={top} tabIndex={-1} className="space-y-4 outline-none">
      {codes.length === 0 ? (
        <Heading title="All set">The password is stored. Codes come from the second factor that is configured.</Heading>
      ) : (
        <>
          <Heading title="Keep your recovery codes">
            Each signs you in once when your phone is lost. They are shown now and never again.
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
