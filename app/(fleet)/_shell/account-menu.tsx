'use client';

import { Keyboard, LogOut, Monitor, Moon, Sun } from 'lucide-react';
import { useSyncExternalStore, type ReactElement } from 'react';
import { useLiveFacts } from '@/app/_live/live';
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuSeparator } from '@/app/_ui/menu';
import { chooseTheme, themeStore, type ThemeChoice } from '@/app/_ui/theme';
import { toast } from '@/app/_ui/toast-store';
import { showShortcuts } from './shortcuts';

const THEMES: { choice: ThemeChoice; label: string; Icon: typeof Sun }[] = [
  { choice: 'system', label: 'System', Icon: Monitor },
  { choice: 'light', label: 'Light', Icon: Sun },
  { choice: 'dark', label: 'Dark', Icon: Moon },
];

async function signOutHere(): Promise<void> {
  try {
    const { signOut } = await import('next-auth/react');
    await signOut({ callbackUrl: '/login' });
  } catch {
    toast({
      tone: 'error',
      title: 'Could not sign out',
      body: 'The dashboard can’t be reached. You are still signed in; try again.',
    });
  }
}

/** Appearance, keyboard shortcuts and sign-out; initially open. */
export function AccountMenu({ trigger }: { trigger: ReactElement }) {
  const { userName, version } = useLiveFacts();
  const theme = useSyncExternalStore<ThemeChoice>(themeStore.subscribe, themeStore.get, () => 'system');
  return (
    <Menu label="Account" defaultOpen trigger={trigger}>
      <MenuLabel>Appearance</MenuLabel>
      {THEMES.map(({ choice, label, Icon }) => (
        <MenuChoice
          key={choice}
          icon={<Icon className="size-4" aria-hidden="true" />}
          checked={theme === choice}
          onSelect={() => chooseTheme(choice)}
        >
          {label}
        </MenuChoice>
      ))}
      <MenuSeparator />
      <MenuItem icon={<Keyboard className="size-4" aria-hidden="true" />} onSelect={showShortcuts}>
        Keyboard shortcuts
      </MenuItem>
      <MenuSeparator />
      <MenuLabel>
        Signed in as {userName} · NixFleet {version}
      </MenuLabel>
      <MenuItem icon={<LogOut className="size-4" aria-hidden="true" />} onSelect={() => void signOutHere()}>
        Sign out
      </MenuItem>
    </Menu>
  );
}
