'use client';

import { Check } from 'lucide-react';
import { useId } from 'react';
import { cx } from '@/app/_ui/cx';
import { TextField } from '@/app/_ui/field';
import { themeColorOf } from '@/lib/protocol/agent/theme-color';

/** Named colours to choose from; any other can be entered. */
const PRESETS: readonly [name: string, color: string][] = [
  ['Ice blue', '#98b8d8'],
  ['Blue', '#769ff0'],
  ['Yellow', '#d4c060'],
  ['Green', '#68c878'],
  ['Orange', '#e09050'],
  ['Purple', '#9868d0'],
  ['Pink', '#e070a0'],
  ['Light grey', '#a8aeb8'],
  ['Dark grey', '#686c70'],
  ['Warm grey', '#a8a098'],
  ['Rose gold', '#c8a8a0'],
];

export const isColor = (text: string) => themeColorOf(text) !== null;

/** One of the preset colours, or any other. */
export function ColorField({
  value,
  error,
  onChange,
}: {
  value: string;
  error?: string;
  onChange: (color: string) => void;
}) {
  const group = useId();
  const picker = useId();
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1.5 text-xs font-medium text-ink">Colour</legend>
      <div className="flex flex-wrap gap-1.5">
        {PRESETS.map(([name, color]) => {
          const chosen = value.toLowerCase() === color;
          return (
            <label
              key={color}
              data-tip={name}
              className={cx(
                'relative flex size-8 cursor-pointer items-center justify-center rounded-md border pointer-coarse:size-11',
                'has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent',
                chosen ? 'border-ink' : 'border-line-strong',
              )}
            >
              <input
                type="radio"
                name={group}
                value={color}
                checked={chosen}
                onChange={() => onChange(color)}
                className="absolute inset-0 cursor-pointer opacity-0"
              />
              <span className="sr-only">{name}</span>
              <svg viewBox="0 0 20 20" aria-hidden="true" className="size-5">
                <circle cx="10" cy="10" r="10" fill={color} />
              </svg>
              {chosen && <Check className="absolute size-3.5 text-[#0b1424]" aria-hidden="true" />}
            </label>
          );
        })}
      </div>
      <div className="mt-3 flex items-end gap-2">
        <TextField
          label="Custom colour (hex)"
          value={value}
          error={error}
          mono
          maxLength={7}
          placeholder="#7aa2f7"
          autoComplete="off"
          spellCheck={false}
          className="grow"
          onChange={(event) => onChange(event.target.value.trim())}
        />
        <label htmlFor={picker} className="sr-only">
          Pick a colour
        </label>
        <input
          id={picker}
          type="color"
          value={themeColorOf(value) ?? '#7aa2f7'}
          onChange={(event) => onChange(event.target.value)}
          className="h-9 w-12 cursor-pointer rounded-md border border-control bg-surface p-1 pointer-coarse:h-11"
        />
      </div>
    </fieldset>
  );
}
