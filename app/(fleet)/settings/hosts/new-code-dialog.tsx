'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useRouter } from 'next/navigation';
import { useId, useState, type SubmitEvent } from 'react';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { SelectField, TextField } from '@/app/_ui/field';
import { toast } from '@/app/_ui/toast-store';
import { createCode } from './actions';
import { runAction } from './run-action';
import type { Secret } from './secret-dialog';

const LIFETIMES = [
  { hours: 1, label: 'One hour' },
  { hours: 24, label: 'One day' },
  { hours: 168, label: 'One week' },
] as const;

/** Creates an enrolment code: for which host, and for how long it is valid. */
export function NewCodeDialog({
  open,
  onClose,
  onCreated,
}: {
  open: boolean;
  onClose: () => void;
  onCreated: (secret: Secret) => void;
}) {
  const router = useRouter();
  const form = useId();
  const [hostName, setHostName] = useState('');
  const [hours, setHours] = useState<(typeof LIFETIMES)[number]['hours']>(24);
  const [busy, setBusy] = useState(false);

  const create = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = hostName.trim().toLowerCase();
    const target = name === '' ? 'any host' : name;
    setBusy(true);
    const description = `Creates a code with which ${target} fetches a host token, once.`;
    const created = await runAction({ label: 'Create code', description }, 'Could not create a code', (proof) =>
      answerOf(createCode({ hostName: name, hours }, proof)),
    );
    setBusy(false);
    if (created?.value === null) {
      toast({ tone: 'error', title: 'Could not create a code', body: 'Too many codes are open. Revoke some first.' });
    } else if (created) {
      setHostName('');
      onCreated({ kind: 'code', target, value: created.value });
    }
    router.refresh();
  };

  return (
    <Dialog
      open={open}
      onClose={onClose}
      size="sm"
      title="New enrolment code"
      description="The host’s agent uses it once to fetch a host token."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form={form} busy={busy}>
            Create code
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void create(event)} className="flex flex-col gap-4">
        <TextField
          label="Host"
          hint="The host’s name. Leave it empty for any host that has no token yet."
          value={hostName}
          onChange={(event) => setHostName(event.target.value)}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={63}
          data-autofocus
        />
        <SelectField
          label="Valid for"
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
