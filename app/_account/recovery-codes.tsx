'use client';

import { Download } from 'lucide-react';
import { Button } from '../_ui/button';
import { CopyButton } from '../_ui/copy-button';

function download(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'nixfleet-recovery-codes.txt';
  link.click();
  URL.revokeObjectURL(url);
}

/** Recovery codes, which are shown only once, with buttons to save them. */
export function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  const text = `NixFleet recovery codes. Each works once:\n\n${codes.join('\n')}\n`;
  return (
    <>
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
  );
}
