'use client';

import { ShieldCheck } from 'lucide-react';
import { MenuItem } from '@/app/_ui/menu';
import { useOperations } from '../_operations/operations-context';
import type { HostView } from '@/lib/protocol/live/views/host-view';

const HINTS: Readonly<Record<HostView['confirmSwitches'], string>> = {
  default: 'Dashboard default.',
  on: 'On for this host.',
  off: 'Off for this host.',
};

/** Opens the setting whether switches of hosts are confirmed. */
export function ConfirmSettingItem({ hosts }: { hosts: readonly HostView[] }) {
  const { setConfirm } = useOperations();
  const [only, ...others] = hosts;
  return (
    <MenuItem
      icon={<ShieldCheck className="size-4" aria-hidden="true" />}
      hint={
        only && others.length === 0 ? HINTS[only.confirmSwitches] : 'Whether switches of these hosts are confirmed.'
      }
      onSelect={() => setConfirm(hosts.map(({ id }) => id))}
    >
      Confirmation of switches …
    </MenuItem>
  );
}
