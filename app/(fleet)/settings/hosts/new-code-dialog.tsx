'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useRouter } from 'next/navigation';
import { useId, useState, type SubmitEvent } from 'react';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { SelectField, TextField } from '@/app/_ui/field';
import { toast } from '@/app/_ui/toast-store';
import { createCode } from './actions';
import { ask } from './ask';
import type { Secret } from './secret-dialog';

const LIFETIMES = [
  { hours: 1, label: 'One hour' },
  { hours: 24, label: 'One day' },
  { hours: 168, label: 'One week' },
] as const;

/** Whom a new code is for, and for how long it is good. */
export function NewCodeDialog({
  open,
  onClose,
  onMade,
}: {
  open: boolean;
  onClose: () => void;
  onMade: (secret: Secret) => void;
}) {
  const router = useRouter();
  const form = useId();
  const [hostName, setHostName] = useState('');
  const [hours, setHours] = useState<(typeof LIFETIMES)[number]['hours']>(24);
  const [busy, setBusy] = useState(false);

  const make = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = hostName.trim().toLowerCase();
    const whom = name === '' ? 'any host' : name;
    setBusy(true);
    const description = `A code with which ${whom} fetches a token of its own, once.`;
    const made = await ask({ label: 'Make a code', description }, (proof) =>
      answerOf(createCode({ hostName: name, hours }, proof)),
    );
    setBusy(false);
    if (made?.value === null) {
      toast({ tone: 'error', title: 'No code was made', body: 'Too many codes are open: revoke some.' });
    } else if (made) {
      setHostName('');
      onMade({ kind: 'code', whom, value: made.value });
    }
    router.refresh();
  };

  return (
    <Dialog
      open={open}
      onClose={onClose}
      size="sm"
      title="New enrolment code"
      description="The host’s agent fetches a token of its own with it, once."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form={form} busy={busy}>
            Make a code
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void make(event)} className="flex flex-col gap-4">
        <TextField
          label="Host"
          hint="Its name, or empty for any host that has no token yet."
          value={hostName}
          onChange={(event) => setHostName(event.target.value)}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={63}
          data-autofocus
        />
        <SelectField
          label="Good for"
          value={hours}
          onChange={(event) => {
            const chosen = LIFETIMES.find((one) => String(one.hours) === event.target.value);
            if (chosen) setHours(chosen.hours);
          }}
        >
          {LIFETIMES.map((one) => (
            <option key={one.hours} value={one.hours}>
              {one.label}
            </option>
          ))}
        </SelectField>
      </form>
    </Dialog>
  );
}
