'use client';

import { Download } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { Button, buttonClass } from '../../_ui/button';
import { Heading } from '../heading';
import { CopyButton } from '../../_ui/copy-button';

function download(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'nixfleet-recovery-codes.txt';
  link.click();
  URL.revokeObjectURL(url);
}

/** The end of set-up; the only time that the recovery codes are seen. */
export function RecoveryStep({ codes }: { codes: string[] }) {
  const top = useRef<HTMLDivElement>(null);
  const text = `NixFleet recovery codes, each good for one sign-in:\n\n${codes.join('\n')}\n`;

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
          <ul
            id="recovery-codes"
            className="grid grid-cols-1 gap-1.5 rounded-md bg-sunken p-3 font-mono sm:grid-cols-2"
            translate="no"
          >
            {codes.map((code) => (
              <li key={code} className="text-sm text-ink">
                {code}
              </li>
            ))}
          </ul>
          <div className="flex flex-wrap items-center gap-2">
            <CopyButton text={codes.join('\n')} label="Copy" elementId="recovery-codes" />
            <Button size="sm" onClick={() => download(text)} icon={<Download className="size-3.5" />}>
              Download
            </Button>
          </div>
        </>
      )}
      <a href="/login" className={buttonClass('primary', 'lg', 'w-full')}>
        Sign in
      </a>
    </div>
  );
}
