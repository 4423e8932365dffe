'use client';

import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { Button } from './button';

/**
 * Copies a text. Browsers allow this only over https and on localhost; elsewhere the element `elementId` is selected
 * instead, to be copied by hand.
 */
export function CopyButton({ text, label, elementId }: { text: string; label: string; elementId: string }) {
  const [status, setStatus] = useState<string | null>(null);

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setStatus('Copied');
    } catch {
      const element = document.getElementById(elementId);
      if (element) window.getSelection()?.selectAllChildren(element);
      setStatus('Selected. Press Ctrl+C or ⌘C.');
    }
  }

  const done = status === 'Copied';
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
        {status}
      </span>
    </>
  );
}
