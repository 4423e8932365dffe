'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useState } from 'react';
import { valueOrNull } from '@/app/_actions/value-or-null';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { SelectField, TextField } from '@/app/_ui/field';
import { capitalised } from '@/app/_ui/sentence';
import { toast } from '@/app/_ui/toast-store';
import { addHost } from '../actions';
import { ColorField, isColor } from './color-field';
import { newRequestId } from './request-id';

const LOCATIONS = ['home', 'work', 'cloud'];
const DEVICES = ['desktop', 'laptop', 'server', 'gaming', 'other'];
/** One DNS label; the dashboard checks the same. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** Adds a host before its agent connects. */
export function AddHostDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [type, setType] = useState<'' | 'nixos' | 'macos'>('');
  const [location, setLocation] = useState('home');
  const [deviceType, setDeviceType] = useState('desktop');
  const [color, setColor] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  // One id for the dialog: a second press adds nothing.
  const [requestId] = useState(newRequestId);
  const nameProblem = NAME.test(name.trim()) ? '' : 'Use letters, digits and hyphens, at most 63 characters.';
  const colorProblem = color === '' || isColor(color) ? '' : 'Use # and six hexadecimal digits, or leave it empty.';

  const submit = async () => {
    setTried(true);
    if (busy || nameProblem !== '' || colorProblem !== '') return;
    setBusy(true);
    const result = await valueOrNull(
      answerOf(
        addHost({ name: name.trim(), type, location, deviceType, color: color === '' ? null : color, requestId }),
      ),
    );
    setBusy(false);
    if (result?.kind === 'accepted') {
      toast({
        tone: 'success',
        title: `${result.hostName} was added`,
        body: 'It is waiting for its agent to connect.',
      });
      onClose();
    } else if (result?.kind === 'blocked') setProblem(result.blocked.reason);
    else if (result?.kind === 'not-stored') setProblem(`The host could not be stored: ${result.reason}`);
    else setProblem('The host could not be added. Try again.');
  };

  return (
    <Dialog
      open
      onClose={onClose}
      size="sm"
      title="Add a host"
      description="Add a host before its agent connects. The agent fills in the other details when it registers."
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
          hint="The host name, without the domain."
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
          <option value="">Detected by the agent</option>
          <option value="nixos">NixOS</option>
          <option value="macos">macOS</option>
        </SelectField>
        <SelectField label="Location" value={location} onChange={(event) => setLocation(event.target.value)}>
          {LOCATIONS.map((each) => (
            <option key={each} value={each}>
              {capitalised(each)}
            </option>
          ))}
        </SelectField>
        <SelectField label="Device" value={deviceType} onChange={(event) => setDeviceType(event.target.value)}>
          {DEVICES.map((each) => (
            <option key={each} value={each}>
              {capitalised(each)}
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
