'use client';

import {
  createContext,
  use,
  useCallback,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react';
import { RenderedAtProvider } from '@/app/_ui/time-ago';
import { browserWorld } from './browser-world';
import { derive } from './derived';
import { FleetCopy, type ConnectionStatus, type HostField } from './fleet-copy';
import { LiveClient } from './live-client';
import { OutputChannel } from './output-channel';
import type { ConfirmPolicy } from '@/lib/fleet/operations/operation-rules';
import type { FlakeUpdatesView } from '@/lib/protocol/live/views/flake-update-view';
import type { DesiredView } from '@/lib/protocol/live/views/desired-view';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { PipelineView } from '@/lib/protocol/live/views/pipeline-view';
import type { ServiceNotice } from '@/lib/protocol/live/views/service-notice';

/** Facts that do not change while a page is open. */
export interface LiveFacts {
  demo: boolean;
  version: string;
  /** The address of this dashboard for agents and browsers, without a trailing slash. */
  address: string;
  userName: string;
  /** Whether switches are confirmed. */
  confirm: ConfirmPolicy;
}

interface Live {
  store: FleetCopy;
  output: OutputChannel;
  client: LiveClient;
  facts: LiveFacts;
}

const LiveContext = createContext<Live | null>(null);

/** Provides the live fleet to all pages: starts with the view rendered by the server and follows its changes. */
export function LiveProvider({
  fleet,
  renderedAt,
  buildId,
  facts,
  children,
}: {
  fleet: FleetView;
  /** The dashboard's time when the view was rendered. */
  renderedAt: number;
  buildId: string;
  facts: LiveFacts;
  children: ReactNode;
}) {
  const [live] = useState<Live>(() => {
    const store = new FleetCopy(fleet);
    const output = new OutputChannel();
    return { store, output, client: new LiveClient(buildId, store, output, browserWorld), facts };
  });

  useEffect(() => {
    const { client, store } = live;
    const nudge = () => {
      if (!document.hidden) client.nudge();
    };
    const seen = () => {
      store.setPaused(document.hidden);
      client.setHidden(document.hidden);
      nudge();
    };
    client.start();
    seen();
    window.addEventListener('online', nudge);
    document.addEventListener('visibilitychange', seen);
    return () => {
      window.removeEventListener('online', nudge);
      document.removeEventListener('visibilitychange', seen);
      client.stop();
    };
  }, [live]);

  return (
    <LiveContext value={live}>
      <RenderedAtProvider at={renderedAt}>{children}</RenderedAtProvider>
    </LiveContext>
  );
}

/** The live objects, for subscriptions outside of rendering (output, events). */
export function useLive(): Live {
  const live = use(LiveContext);
  if (!live) throw new Error('useLive needs a LiveProvider above it');
  return live;
}

function useSelected<T>(select: () => T): T {
  const { store } = useLive();
  return useSyncExternalStore(store.subscribe, select, select);
}

/** One host; null when there is none with this id. Renders again only when this host changes. */
export function useHost(id: string): HostView | null {
  const { store } = useLive();
  const subscribe = useCallback((listener: () => void) => store.subscribeHost(id, listener), [store, id]);
  const select = () => store.get().byId.get(id) ?? null;
  return useSyncExternalStore(subscribe, select, select);
}

/**
 * A value derived from the hosts. With `fields`, it is computed again only when one of them changed in any host, and
 * `compute` may read no others. All arguments have to be stable (module level or memoised).
 */
export function useDerived<T, F extends HostField = HostField>(
  compute: (hosts: readonly Pick<HostView, F>[]) => T,
  same: (a: T, b: T) => boolean,
  fields?: readonly F[],
): T {
  const { store } = useLive();
  const get = useMemo(() => derive(store, compute, same, fields), [store, compute, same, fields]);
  return useSelected(get);
}

export function useDesired(): DesiredView {
  const { store } = useLive();
  return useSelected(() => store.get().fleet.desired);
}

/** The open flake update, and the state of the forge. */
export function useFlakeUpdates(): FlakeUpdatesView {
  const { store } = useLive();
  return useSelected(() => store.get().fleet.updates);
}

export function useNotices(): readonly ServiceNotice[] {
  const { store } = useLive();
  return useSelected(() => store.get().fleet.notices);
}

/** Running pipelines, and the latest ended ones. */
export function usePipelines(): readonly PipelineView[] {
  const { store } = useLive();
  return useSelected(() => store.get().fleet.pipelines);
}

/** One of these; null when it is not among them. */
export function useLivePipeline(id: string): PipelineView | null {
  const { store } = useLive();
  return useSelected(() => store.get().fleet.pipelines.find((pipeline) => pipeline.id === id) ?? null);
}

export function useConnection(): ConnectionStatus {
  const { store } = useLive();
  return useSelected(() => store.get().connection);
}

/** True when the dashboard was updated after this page was loaded. */
export function useOutdated(): boolean {
  const { store } = useLive();
  return useSelected(() => store.get().outdated);
}

export function useLiveFacts(): LiveFacts {
  return useLive().facts;
}
