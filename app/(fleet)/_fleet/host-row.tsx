'use client';

import { TriangleAlert } from 'lucide-react';
import { memo, useCallback, useSyncExternalStore } from 'react';
import { useConnection, useHost } from '@/app/_live/live';
import { cx } from '@/app/_ui/cx';
import { StatusDot, type DotTone } from '@/app/_ui/status-dot';
import { TimeAgo, useNow } from '@/app/_ui/time-ago';
import { CompartmentCells } from './compartment-cells';
import { lateness, type Lateness } from './facts';
import { HostActions } from './host-actions';
import { MetricCells } from './metric-cells';
import { OperationCell } from './operation-cell';
import { OsIcon, osName } from './os-icon';
import type { Selection } from './selection';
import type { HostView } from '@/lib/protocol/live/views/host-view';

export interface HostRowProps {
  id: string;
  /** Position in the whole table, from 1 (the header is 1). */
  rowIndex: number;
  selection: Selection;
  /** Measures the row in a virtualised table. */
  measure?: (element: HTMLElement | null) => void;
}

/** One host. It renders again only when this host changes. */
export const HostRow = memo(function HostRow({ id, rowIndex, selection, measure }: HostRowProps) {
  const host = useHost(id);
  const isSelected = useCallback(() => selection.get().has(id), [selection, id]);
  const selected = useSyncExternalStore(selection.subscribe, isSelected, isSelected);
  if (!host) return null;
  return (
    <div
      ref={measure}
      data-index={rowIndex - 2}
      role="row"
      aria-rowindex={rowIndex}
      data-testid="host-row"
      data-host={host.name}
      className={cx(
        'fleet-row contain-layout border-b max-lg:mb-3 max-lg:rounded-lg max-lg:border max-lg:shadow-card lg:last:border-b-0',
        selected ? 'bg-selected' : 'bg-surface lg:hover:bg-hover',
      )}
    >
      <div role="cell" className="[grid-area:sel]">
        <label className="flex size-9 items-center justify-center max-lg:-ml-2 pointer-coarse:size-11">
          <SelectBox id={id} selected={selected} selection={selection} />
          <span className="sr-only">Select {host.name}</span>
        </label>
      </div>
      <NameCell host={host} />
      <CompartmentCells host={host} />
      <OperationCell host={host} />
      <MetricCells metrics={host.metrics} stale={!host.online} />
      <VersionCells host={host} />
      <SeenCell host={host} />
      <HostActions host={host} />
    </div>
  );
});

const SelectBox = memo(function SelectBox({
  id,
  selected,
  selection,
}: {
  id: string;
  selected: boolean;
  selection: Selection;
}) {
  return (
    <input
      type="checkbox"
      className="size-4"
      checked={selected}
      onChange={({ nativeEvent }) => selection.toggle(id, nativeEvent instanceof MouseEvent && nativeEvent.shiftKey)}
    />
  );
});

function NameCell({ host }: { host: HostView }) {
  const facts = [osName(host.type), host.osVersion, host.deviceType, host.location].filter((fact) => fact !== '');
  const late = useLateness(host);
  return (
    <div role="cell" className="flex min-w-0 items-center gap-2.5 [grid-area:name]">
      <StatusDot tone={DOTS[late]} beat={host.online ? (host.lastSeenAt ?? undefined) : undefined} />
      <OsIcon type={host.type} color={host.themeColor} />
      <div className="min-w-0">
        <p className="flex min-w-0">
          <span
            className={cx(
              'one-line text-sm font-medium max-lg:wrap-anywhere max-lg:whitespace-normal',
              host.online ? 'text-ink' : 'text-muted',
            )}
            data-tip={`${host.name}\n${facts.join(' · ')}`}
          >
            {host.name}
          </span>
        </p>
        <p className={cx('one-line text-2xs text-faint', host.notice !== '' && 'lg:sr-only')}>
          {host.online ? <span className="sr-only">Online, </span> : 'Offline · '}
          {facts.join(' · ')}
        </p>
        {host.notice !== '' && (
          <p className="flex gap-1 text-2xs text-warn lg:items-center" data-tip={host.notice}>
            <TriangleAlert className="size-3 shrink-0 max-lg:mt-0.5" aria-hidden="true" />
            <span className="one-line max-lg:whitespace-normal">{host.notice}</span>
          </p>
        )}
      </div>
    </div>
  );
}

/** A page without a live connection must not call hosts late: it receives no heartbeats. */
function useLateness(host: HostView): Lateness {
  const { kind } = useConnection();
  const disconnected = kind !== 'live' && kind !== 'connecting';
  return useNow((now) => (host.online && disconnected ? 'unknown' : lateness(host, now)));
}

const DOTS: Record<Lateness, DotTone> = {
  'on-time': 'ok',
  late: 'warn',
  'very-late': 'bad',
  offline: 'idle',
  unknown: 'idle',
};

function VersionCells({ host }: { host: HostView }) {
  const outdated = host.compartments.agent.status === 'outdated' || host.compartments.agent.status === 'error';
  return (
    <div className="flex gap-4 text-2xs text-muted [grid-area:vers] lg:max-xl:hidden lg:grid lg:grid-cols-2 lg:gap-0">
      <div role="cell" className="one-line">
        <span className="text-faint lg:hidden">Agent </span>
        <span
          className={cx('font-mono', outdated && 'text-warn')}
          data-tip={host.agentVersion === '' ? 'Agent version unknown' : `Agent ${host.agentVersion}`}
        >
          {host.agentVersion === '' ? '–' : host.agentVersion}
        </span>
      </div>
      <div role="cell" className="one-line">
        <span className="text-faint lg:hidden">Commit </span>
        <span
          className="font-mono"
          data-tip={host.generation === '' ? 'Commit unknown' : `Commit of the host’s clone\n${host.generation}`}
        >
          {host.generation === '' ? '–' : host.generation.slice(0, 7)}
        </span>
      </div>
    </div>
  );
}

const LATE_WORDS: Record<Lateness, { className: string; word: string }> = {
  'on-time': { className: 'text-muted', word: '' },
  late: { className: 'font-medium text-warn', word: ', late' },
  'very-late': { className: 'font-medium text-bad', word: ', very late' },
  offline: { className: 'text-faint', word: '' },
  unknown: { className: 'text-faint', word: '' },
};

function SeenCell({ host }: { host: HostView }) {
  const late = useLateness(host);
  const { className, word } = LATE_WORDS[late];
  return (
    <div role="cell" className="text-right text-xs whitespace-nowrap [grid-area:seen] lg:pr-3">
      {host.lastSeenAt === null ? (
        <span className="text-faint">never</span>
      ) : (
        <span className={className}>
          <span className="sr-only">Last seen </span>
          <TimeAgo at={host.lastSeenAt} short />
          <span className="sr-only">{word}</span>
          {word !== '' && <span aria-hidden="true"> late</span>}
        </span>
      )}
    </div>
  );
}
