import type { ReactNode } from 'react';
import { SettingsNavigation } from './settings-navigation';

/** The settings pages, with their navigation at the left, or above on phones. */
export default function SettingsLayout({ children }: { children: ReactNode }) {
  return (
    <div className="mx-auto w-full max-w-5xl px-4 pt-3 pb-5 md:px-6">
      <h1 className="mb-4 text-xl font-semibold tracking-tight">Settings</h1>
      <div className="grid gap-x-8 gap-y-4 md:grid-cols-[11rem_minmax(0,1fr)]">
        <SettingsNavigation />
        <div className="min-w-0">{children}</div>
      </div>
    </div>
  );
}
