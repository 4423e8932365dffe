'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useState } from 'react';
import { answered } from '@/app/_output/drawer/answered';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { SelectField, TextField } from '@/app/_ui/field';
import { toast } from '@/app/_ui/toast-store';
import { addHost } from '../actions';
import { ColorField, isColor } from './color-field';
import { newRequestId } from './request-id';

const LOCATIONS = ['home', 'work', 'cloud'];
const DEVICES = ['desktop', 'laptop', 'server', 'gaming', 'other'];
/** One DNS label, as the dashboard checks it too. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

const wordOf = (value: string) => value.charAt(0).toUpperCase() + value.slice(1);

/** Makes a host known before its agent connects. */
export function AddHostDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [type, setType] = useState<'' | 'nixos' | 'macos'>('');
  const [location, setLocation] = useState('home');
  const [deviceType, setDeviceType] = useState('desktop');
  const [color, setColor] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  // One for the dialog: a second press adds nothing.
  const [requestId] = useState(newRequestId);
  const nameProblem = NAME.test(name.trim()) ? '' : 'A host name is letters, digits and hyphens, at most 63.';
  const colorProblem = color === '' || isColor(color) ? '' : 'A colour is # and six digits, or nothing.';

  const submit = async () => {
    setTried(true);
    if (busy || nameProblem !== '' || colorProblem !== '') return;
    setBusy(true);
    const result = await answered(
      answerOf(
        addHost({ name: name.trim(), type, location, deviceType, color: color === '' ? null : color, requestId }),
      ),
    );
    setBusy(false);
    if (result?.kind === 'accepted') {
      toast({ tone: 'success', title: `${result.hostName} was added`, body: 'It waits for its agent.' });
      onClose();
    } else if (result?.kind === 'blocked') setProblem(result.blocked.reason);
    else if (result?.kind === 'not-stored') setProblem(`It could not be stored: ${result.reason}`);
    else setProblem('The dashboard did not do it. Try again.');
  };

  return (
    <Dialog
      open
      onClose={onClose}
      size="sm"
      title="Add a host"
      description="It is known before its agent connects. What the agent then says of itself fills in the rest."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" busy={busy} onClick={() => void submit()}>
            Add host
          </Button>
        </>
      }
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
        className="grid grid-cols-2 gap-4"
      >
        <TextField
          label="Name"
          hint="As the host calls itself, without a domain."
          className="col-span-2"
          value={name}
          error={problem ?? (tried ? nameProblem : '')}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={63}
          data-autofocus
          onChange={(event) => {
            setName(event.target.value);
            setProblem(null);
          }}
        />
        <SelectField
          label="System"
          className="col-span-2"
          value={type}
          onChange={(event) =>
            setType(event.target.value === 'nixos' || event.target.value === 'macos' ? event.target.value : '')
          }
        >
          <option value="">Its agent will say</option>
          <option value="nixos">NixOS</option>
          <option value="macos">macOS</option>
        </SelectField>
        <SelectField label="Location" value={location} onChange={(event) => setLocation(event.target.value)}>
          {LOCATIONS.map((each) => (
            <option key={each} value={each}>
              {wordOf(each)}
            </option>
          ))}
        </SelectField>
        <SelectField label="Device" value={deviceType} onChange={(event) => setDeviceType(event.target.value)}>
          {DEVICES.map((each) => (
            <option key={each} value={each}>
              {wordOf(each)}
            </option>
          ))}
        </SelectField>
        <div className="col-span-2">
          <ColorField value={color} error={tried ? colorProblem : ''} onChange={setColor} />
        </div>
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
