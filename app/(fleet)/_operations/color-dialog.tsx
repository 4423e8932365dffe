'use client';

import { useState } from 'react';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { OsIcon } from '../_fleet/os-icon';
import { ColorField, isColor } from './color-field';
import { hostCount } from './plan';
import { sendOperation } from './send';
import { useHosts } from './use-hosts';

/** Host names shown; the rest are counted. */
const MAX_NAMES = 6;

/** Sets the colour of hosts, or lets their agents set it again. */
export function ColorDialog({ hostIds, onClose }: { hostIds: readonly string[]; onClose: () => void }) {
  const hosts = useHosts(hostIds);
  const [color, setColor] = useState(() => hosts[0]?.themeColor ?? '');
  const [tried, setTried] = useState(false);
  const pinned = hosts.some((host) => host.themeColorPinned);

  const send = (chosen: string | null) => {
    onClose();
    void sendOperation('set-color', [...hostIds], hostCount(hosts), { args: { color: chosen } });
  };
  const set = () => {
    setTried(true);
    if (isColor(color)) send(color.toLowerCase());
  };

  return (
    <Dialog
      open
      onClose={onClose}
      size="sm"
      title={`Colour of ${hostCount(hosts)}`}
      description="This colour takes precedence over the one that the agent reports."
      footer={
        <>
          {pinned && <Button onClick={() => send(null)}>Use the agent’s colour</Button>}
          <Button variant="primary" onClick={set}>
            Set colour
          </Button>
        </>
      }
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          set();
        }}
      >
        <ul aria-hidden="true" className="mb-4 flex flex-wrap gap-x-4 gap-y-1 rounded-md bg-sunken px-3 py-2.5">
          {hosts.slice(0, MAX_NAMES).map((host) => (
            <li key={host.id} className="flex min-w-0 items-center gap-2 text-sm font-medium">
              <OsIcon type={host.type} color={isColor(color) ? color : host.themeColor} />
              <span className="truncate">{host.name}</span>
            </li>
          ))}
          {hosts.length > MAX_NAMES && <li className="text-muted">and {hosts.length - MAX_NAMES} more</li>}
        </ul>
        <ColorField
          value={color}
          error={tried && !isColor(color) ? 'Use # and six hexadecimal digits, like #7aa2f7.' : undefined}
          onChange={setColor}
        />
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
