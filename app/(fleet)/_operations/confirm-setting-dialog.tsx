'use client';

import { useId, useState } from 'react';
import { answerOf } from '@/app/_actions/answer-of';
import { valueOrNull } from '@/app/_actions/value-or-null';
import { useLiveFacts } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { toast } from '@/app/_ui/toast-store';
import { setHostConfirm } from '../actions';
import { confirmWords } from './confirm-words';
import { hostCount } from './plan';
import { useHosts } from './use-hosts';
import { CONFIRM_SETTINGS, type ConfirmSetting } from '@/lib/protocol/confirm-setting';

const CHOICES: Readonly<Record<ConfirmSetting, { label: string; hint: string }>> = {
  default: { label: 'Dashboard default', hint: 'Switches of a host that runs a dashboard are then not confirmed.' },
  on: { label: 'On', hint: 'Each switch goes back unless it is confirmed.' },
  off: { label: 'Off', hint: 'A new system stays, whatever happens. The dialog of a switch still offers the choice.' },
};

/** Whether switches of hosts are confirmed: set for these hosts, or the default of the dashboard. */
export function ConfirmSettingDialog({ hostIds, onClose }: { hostIds: readonly string[]; onClose: () => void }) {
  const hosts = useHosts(hostIds);
  const { confirm: policy } = useLiveFacts();
  const [chosen, setChosen] = useState<ConfirmSetting | null>(() =>
    sameSetting(hosts.map((host) => host.confirmSwitches)),
  );
  const group = useId();
  const effect =
    chosen === null
      ? null
      : confirmWords(
          'switch',
          hosts.map((host) => ({ ...host, confirmSwitches: chosen })),
          policy,
        );

  const save = async () => {
    if (chosen === null) return;
    onClose();
    const result = await valueOrNull(answerOf(setHostConfirm({ hostIds: [...hostIds], setting: chosen })));
    if (result?.problem === null) return;
    toast({
      tone: 'error',
      title: 'The setting was not stored',
      body: result?.problem ?? 'The dashboard did not answer. Try again.',
    });
  };

  return (
    <Dialog
      open
      onClose={onClose}
      size="sm"
      keepsHeight
      title={`Confirmation of switches: ${hostCount(hosts)}`}
      description="A confirmed switch goes back by itself unless the dashboard reaches the host and its checks pass."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" disabled={chosen === null} onClick={() => void save()}>
            Save
          </Button>
        </>
      }
    >
      <fieldset className="grid gap-2">
        <legend className="sr-only">Whether switches are confirmed</legend>
        {CONFIRM_SETTINGS.map((setting) => (
          <label key={setting} className="flex items-start gap-2.5 pointer-coarse:min-h-11 pointer-coarse:items-center">
            <input
              type="radio"
              name={group}
              value={setting}
              checked={chosen === setting}
              onChange={() => setChosen(setting)}
              className="mt-0.5 size-4 shrink-0 accent-accent"
            />
            <span>
              {CHOICES[setting].label}
              <span className="block text-xs text-muted">{CHOICES[setting].hint}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {/* Two lines stay reserved: another choice must not move the buttons. */}
      <div className="mt-3 min-h-8 text-xs text-muted" role="status" data-testid="confirm-effect">
        {effect?.sentences.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      </div>
    </Dialog>
  );
}

/** What all hosts are set to; null where they differ. */
function sameSetting(settings: readonly ConfirmSetting[]): ConfirmSetting | null {
  const [first = null, ...others] = settings;
  return others.every((setting) => setting === first) ? first : null;
}
