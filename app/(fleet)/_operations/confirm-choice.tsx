'use client';

import { Checkbox } from '@/app/_ui/checkbox';
import type { ConfirmWords } from './confirm-words';

/** Whether a switch is confirmed: what it will do on these hosts, and the operator's choice where there is one. */
export function ConfirmChoice({ words, onChange }: { words: ConfirmWords; onChange: (checked: boolean) => void }) {
  return (
    <div data-testid="confirm-choice" className="grid gap-1">
      {words.hasChoice && (
        <Checkbox
          checked={words.isConfirmed}
          onChange={onChange}
          label="Go back to the previous system unless the switch is confirmed"
        />
      )}
      {words.sentences.map((sentence) => (
        <p key={sentence} className="text-xs text-muted">
          {sentence}
        </p>
      ))}
    </div>
  );
}
