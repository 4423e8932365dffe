'use client';

import { Monitor, Moon, Sun } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { cx } from '@/app/_ui/cx';
import { chooseTheme, themeStore, type ThemeChoice } from '@/app/_ui/theme';

const THEMES: { choice: ThemeChoice; label: string; hint: string; Icon: typeof Sun }[] = [
  { choice: 'system', label: 'System', hint: 'Follows the setting of this device', Icon: Monitor },
  { choice: 'light', label: 'Light', hint: 'Always light', Icon: Sun },
  { choice: 'dark', label: 'Dark', hint: 'Always dark', Icon: Moon },
];

export function ThemeChoices() {
  const theme = useSyncExternalStore<ThemeChoice>(themeStore.subscribe, themeStore.get, () => 'system');
  return (
    <fieldset>
      <legend className="mb-2 text-xs font-medium">Theme</legend>
      <div className="grid gap-2 sm:grid-cols-3">
        {THEMES.map(({ choice, label, hint, Icon }) => (
          <label
            key={choice}
            className={cx(
              'flex items-start gap-3 rounded-lg border p-3 has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent',
              theme === choice ? 'border-accent bg-accent-soft' : 'border-control hover:bg-hover',
            )}
          >
            <input
              type="radio"
              name="theme"
              value={choice}
              checked={theme === choice}
              onChange={() => chooseTheme(choice)}
              className="mt-0.5 outline-none"
            />
            <span className="min-w-0 grow">
              <span className="block text-sm font-medium">{label}</span>
              <span className="block text-xs text-muted">{hint}</span>
            </span>
            <Icon className="size-4 shrink-0 text-muted" aria-hidden="true" />
          </label>
        ))}
      </div>
    </fieldset>
  );
}
