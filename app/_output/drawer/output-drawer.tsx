'use client';

import { ChevronDown, ChevronUp, ListX, X } from 'lucide-react';
import {
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
  type FocusEvent,
  type KeyboardEvent,
} from 'react';
import { useHost, useLive } from '@/app/_live/live';
import { cx } from '@/app/_ui/cx';
import { IconButton } from '@/app/_ui/icon-button';
import { DrawerResizer } from './drawer-resizer';
import { drawerSettings, fittingHeight } from './drawer-settings';
import { DrawerTabs, PANEL_ID, tabId } from './drawer-tabs';
import { nextFrame } from './frame';
import { makeOutsideInert } from './make-outside-inert';
import { NOTHING_OPEN, outputTabs, type OutputTab } from './open-output';
import { OutputFeeds } from '../feed/output-feed';
import { OutputView } from './output-view';
import { useIsPhone } from './use-is-phone';
import { useWindowHeight } from './use-window-height';

/**
 * The open outputs: a drawer at the bottom of wide screens, a full-screen sheet on phones. Never rendered on the server,
 * which does not know what is open.
 */
export function OutputDrawer() {
  const tabs = outputTabs();
  const open = useSyncExternalStore(tabs.subscribe, tabs.get, () => NOTHING_OPEN);
  const { store } = useLive();

  useEffect(() => {
    const follow = () => tabs.follow(store.get().fleet.hosts);
    follow();
    const leave = [store.subscribe(follow), tabs.subscribe(follow)];
    return () => leave.forEach((stop) => stop());
  }, [store, tabs]);

  const active = open.tabs.find((tab) => tab.hostId === open.active);
  return active ? <Drawer active={active} /> : null;
}

function Drawer({ active }: { active: OutputTab }) {
  const tabs = outputTabs();
  const { collapsed } = tabs.get();
  const frame = useRef<HTMLElement>(null);
  const isPhone = useIsPhone();
  const windowHeight = useWindowHeight();
  const settings = drawerSettings();
  const { height } = useSyncExternalStore(settings.subscribe, settings.get, settings.get);
  const { output } = useLive();
  const [feeds] = useState(() => new OutputFeeds({ watch: output.subscribeOutput, nextFrame }));
  const isSheet = isPhone && !collapsed;
  const hostName = useHost(active.hostId)?.name ?? active.hostId;

  useEffect(() => {
    const element = frame.current;
    if (!isSheet || !element) return;
    const before = document.activeElement;
    const release = makeOutsideInert(element);
    focusTab(element);
    return () => {
      release();
      if (before instanceof HTMLElement) before.focus();
    };
  }, [isSheet]);

  // After each render: an output may be opened while the drawer is already mounted.
  useEffect(() => {
    if (frame.current && tabs.takeFocus()) focusTab(frame.current);
  });

  /** The element that had the focus before; it gets the focus back when the drawer collapses or closes. */
  const focusedBefore = useRef<Element | null>(null);
  const enter = (event: FocusEvent) => {
    if (!event.currentTarget.contains(event.relatedTarget)) focusedBefore.current = event.relatedTarget;
  };
  useLayoutEffect(() => {
    const element = frame.current;
    return () => {
      if (element) giveFocusBack(element, focusedBefore.current);
    };
  }, []);

  const key = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented || collapsed) return;
    tabs.collapse(true);
    if (frame.current) giveFocusBack(frame.current, focusedBefore.current);
  };

  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Escape collapses it, wherever the focus is
    <section
      ref={frame}
      aria-label="Output"
      {...(isSheet ? { role: 'dialog', 'aria-modal': true } : {})}
      data-testid="output-drawer"
      data-collapsed={collapsed}
      onKeyDown={key}
      onFocus={enter}
      style={!isPhone && !collapsed ? { height: fittingHeight(height, windowHeight) } : undefined}
      className={cx(
        'z-30 flex flex-col border-t bg-surface text-ink',
        isSheet
          ? 'fixed inset-0 z-40 border-t-0 pt-[env(safe-area-inset-top)] pb-[env(safe-area-inset-bottom)]'
          : // In the flow at the end of the page, so that the last rows can be scrolled into view.
            'relative md:ml-[4.5rem]',
      )}
    >
      {!isPhone && !collapsed && (
        <DrawerResizer
          height={fittingHeight(height, windowHeight)}
          onResize={(next) => settings.set({ height: next })}
        />
      )}
      <div className="flex items-stretch border-b bg-canvas">
        <DrawerTabs
          open={tabs.get()}
          onActivate={(hostId) => tabs.activate(hostId)}
          onClose={(hostId) => tabs.close(hostId)}
        />
        <div className="flex shrink-0 items-center gap-0.5 px-1.5">
          <IconButton
            size="sm"
            label={collapsed ? 'Expand output' : 'Collapse output'}
            aria-expanded={!collapsed}
            onClick={() => tabs.collapse(!collapsed)}
          >
            {collapsed ? (
              <ChevronUp className="size-4" aria-hidden="true" />
            ) : (
              <ChevronDown className="size-4" aria-hidden="true" />
            )}
          </IconButton>
          {tabs.get().tabs.length > 1 && (
            <IconButton size="sm" label="Close all outputs" onClick={() => tabs.closeAll()}>
              <ListX className="size-4" aria-hidden="true" />
            </IconButton>
          )}
          <IconButton size="sm" label={`Close the output of ${hostName}`} onClick={() => tabs.close(active.hostId)}>
            <X className="size-4" aria-hidden="true" />
          </IconButton>
        </div>
      </div>
      {!collapsed && (
        <div
          role="tabpanel"
          id={PANEL_ID}
          aria-labelledby={tabId(active.hostId)}
          className="flex min-h-0 grow flex-col"
        >
          <OutputView key={active.commandId} tab={active} hostName={hostName} feed={feeds.feed(active.commandId)} />
        </div>
      )}
    </section>
  );
}

function focusTab(drawer: HTMLElement): void {
  drawer.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
}

/** Otherwise keyboard users would have to start at the top of the page again. */
function giveFocusBack(drawer: HTMLElement, to: Element | null): void {
  if (!drawer.contains(document.activeElement)) return;
  const target = to?.isConnected ? to : document.getElementById('main');
  if (target instanceof HTMLElement) target.focus();
}
