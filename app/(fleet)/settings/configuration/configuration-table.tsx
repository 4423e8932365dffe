'use client';

import { Lock } from 'lucide-react';
import { useState } from 'react';
import { Badge } from '@/app/_ui/badge';
import { Card } from '@/app/_ui/card';
import { TextField } from '@/app/_ui/field';
import type { SettingView } from '@/lib/dashboard/runtime';

const SOURCES: Record<SettingView['source'], string> = {
  environment: 'Environment',
  default: 'Default',
  'made by the dashboard': 'Made by the dashboard',
  'set here': 'Set here',
};

/** Every setting with its value, and a box to find one. */
export function ConfigurationTable({ settings }: { settings: readonly SettingView[] }) {
  const [text, setText] = useState('');
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = settings.filter(({ name, prose, value, source }) => {
    const all = `${name} ${prose} ${value} ${SOURCES[source]}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
  return (
    <Card
      title="Configuration"
      description="These come from the environment that the dashboard was started with. To change one, set its variable and restart."
      flush
    >
      <div className="flex items-center gap-3 border-b px-5 py-3">
        <TextField
          label="Find a setting"
          hideLabel
          type="search"
          placeholder="Find a setting"
          autoComplete="off"
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="w-64 max-sm:w-full"
        />
        <p role="status" className="shrink-0 text-xs text-muted">
          {words.length > 0 && `${shown.length} of ${settings.length}`}
        </p>
      </div>
      {shown.length === 0 ? (
        <p className="px-5 py-8 text-center text-sm text-muted">No setting matches.</p>
      ) : (
        <table className="w-full text-left max-sm:block">
          <thead className="max-sm:sr-only">
            <tr className="border-b text-xs text-muted">
              <th scope="col" className="px-5 py-2 font-medium">
                Setting
              </th>
              <th scope="col" className="px-5 py-2 font-medium">
                Value
              </th>
            </tr>
          </thead>
          <tbody className="divide-y max-sm:block">
            {shown.map((setting) => (
              <SettingRow key={setting.name} setting={setting} />
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

function SettingRow({ setting: { name, prose, value, source } }: { setting: SettingView }) {
  return (
    <tr className="max-sm:block max-sm:py-2">
      <th scope="row" className="w-3/5 px-5 py-2.5 align-top font-normal max-sm:block max-sm:w-full max-sm:pb-1">
        <code className="text-xs font-medium break-all text-ink">{name}</code>
        <p className="mt-0.5 text-xs text-pretty text-muted">
          <Prose text={prose} />
        </p>
      </th>
      <td className="px-5 py-2.5 align-top max-sm:block max-sm:pt-0">
        {value === '' ? (
          <span className="text-xs text-faint">not set</span>
        ) : (
          <code className="text-xs break-all text-ink">{value}</code>
        )}
        <p className="mt-1.5">
          <Badge
            tone={source === 'default' ? 'idle' : 'accent'}
            icon={source === 'environment' ? <Lock className="size-3" aria-hidden="true" /> : undefined}
            tip={source === 'environment' ? 'Read-only here: the environment sets it.' : undefined}
          >
            {SOURCES[source]}
            {source === 'environment' && <span className="font-normal">· read-only</span>}
          </Badge>
        </p>
      </td>
    </tr>
  );
}

/** Text in which names to be typed stand between back quotes. */
function Prose({ text }: { text: string }) {
  return text.split('`').map((part, index) =>
    index % 2 === 1 ? (
      <code key={index} className="rounded-sm bg-sunken px-1 text-ink">
        {part}
      </code>
    ) : (
      part
    ),
  );
}
