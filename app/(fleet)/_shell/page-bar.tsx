'use client';

import dynamic from 'next/dynamic';
import { useSyncExternalStore, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { setToastSlot } from '@/app/_ui/toast-store';
import { NOTHING_OPEN, outputTabs } from '@/app/_output/drawer/open-output';

/** Loaded when the first output is opened. */
const OutputDrawer = dynamic(() => import('@/app/_output/drawer/output-drawer').then((drawer) => drawer.OutputDrawer), {
  ssr: false,
});

const SLOT_ID = 'page-bar';

/**
 * The bottom of the window: the page's bar, and below it the output drawer, so that neither covers the other. On phones
 * both are above the navigation: by padding, because a margin of the drawer would collapse.
 */
export function LowerEdge() {
  const tabs = outputTabs();
  const open = useSyncExternalStore(tabs.subscribe, tabs.get, () => NOTHING_OPEN);
  return (
    <div className="pointer-events-none sticky bottom-0 z-30 *:pointer-events-auto max-md:has-[>:not(:empty)]:pb-[calc(3.8125rem+env(safe-area-inset-bottom))]">
      <div ref={setToastSlot} className="relative !pointer-events-none" />
      <div id={SLOT_ID} className="!pointer-events-none md:pl-[4.5rem]" />
      {open.tabs.length > 0 && <OutputDrawer />}
    </div>
  );
}

/** Renders a page's bar there. Only in response to an interaction, never on the first paint. */
export function PageBar({ children }: { children: ReactNode }) {
  const slot = document.getElementById(SLOT_ID);
  return slot && createPortal(children, slot);
}
