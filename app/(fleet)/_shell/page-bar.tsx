'use client';

import dynamic from 'next/dynamic';
import { useSyncExternalStore, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { NOTHING_OPEN, outputTabs } from '@/app/_output/drawer/open-output';

/** Fetched when the first output is opened: a page that shows none need not carry it. */
const OutputDrawer = dynamic(() => import('@/app/_output/drawer/output-drawer').then((drawer) => drawer.OutputDrawer), {
  ssr: false,
});

const SLOT_ID = 'page-bar';

/**
 * What stays at the lower edge of the window: a page's own bar, and below it the drawer, so that none hides the other.
 * On phones the whole stands above the navigation: by a padding, since a margin of the drawer would fall through.
 */
export function LowerEdge() {
  const tabs = outputTabs();
  const open = useSyncExternalStore(tabs.subscribe, tabs.get, () => NOTHING_OPEN);
  return (
    <div className="pointer-events-none sticky bottom-0 z-30 *:pointer-events-auto max-md:has-[>:not(:empty)]:pb-[calc(3.8125rem+env(safe-area-inset-bottom))]">
      <div id={SLOT_ID} className="!pointer-events-none md:pl-[4.5rem]" />
      {open.tabs.length > 0 && <OutputDrawer />}
    </div>
  );
}

/** Puts a page's bar there. To be rendered after something the operator did, not on the first paint. */
export function PageBar({ children }: { children: ReactNode }) {
  const slot = document.getElementById(SLOT_ID);
  return slot && createPortal(children, slot);
}
