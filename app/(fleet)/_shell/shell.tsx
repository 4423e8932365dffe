import type { ReactNode } from 'react';
import { StatusLine } from '../_status/status-line';
import { BottomBar, Rail } from './navigation';
import { ShortcutsDialog } from './shortcuts';
import { DemoLine } from './demo-line';
import { TopBar } from './top-bar';

/** Navigation, top bar and notices around a page; on phones the navigation is at the bottom. `notice`: above the others. */
export function Shell({ notice, children }: { notice: ReactNode; children: ReactNode }) {
  return (
    <>
      <a
        href="#main"
        className="fixed top-2 left-2 z-50 -translate-y-20 rounded-md bg-raised px-3 py-2 text-sm font-medium focus:translate-y-0 focus:shadow-pop"
      >
        Skip to content
      </a>
      <Rail />
      <div className="flex min-h-dvh flex-col md:pl-[4.5rem]">
        <DemoLine />
        {notice}
        <TopBar />
        <StatusLine />
        <main id="main" tabIndex={-1} className="min-w-0 grow outline-none max-md:pb-20">
          {children}
        </main>
      </div>
      <BottomBar />
      <ShortcutsDialog />
    </>
  );
}
