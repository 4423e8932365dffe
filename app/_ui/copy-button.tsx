'use client';

import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { Button } from './button';

/**
 * Copies a text. Browsers give the clipboard to https and localhost only: elsewhere `elementId` names what is selected
 * instead, for copying by hand.
 */
export function CopyButton({ text, label, elementId }: { text: string; label: string; elementId: string }) {
  const [said, setSaid] = useState<string | null>(null);

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied');
    } catch {
      const element = document.getElementById(elementId);
      if (element) window.getSelection()?.selectAllChildren(element);
      setSaid('Selected: press Ctrl or Cmd and C');
    }
  }

  const done = said === 'Copied';
  return (
    <>
      <Button
        size="sm"
        onClick={() => void copy()}
        icon={done ? <Check className="size-3.5" /> : <Copy className="size-3.5" />}
      >
        {label}
      </Button>
      <span role="status" className="text-xs text-muted">
        {said}
      </span>
    </>
  );
}
