'use client';

import { Logo } from '@/app/_ui/logo';
import { AccountButton } from './account-button';
import { ConnectionLight } from './connection-light';
import { DesiredStateBar } from './desired-state';

export function TopBar() {
  return (
    <header className="sticky top-0 z-20 flex h-14 items-center gap-3 border-b bg-surface px-4 md:px-6">
      <Logo className="size-7 shrink-0 md:hidden" />
      <DesiredStateBar />
      <div className="ml-auto flex shrink-0 items-center gap-1.5">
        <ConnectionLight />
        <AccountButton />
      </div>
    </header>
  );
}
