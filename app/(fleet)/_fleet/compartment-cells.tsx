'use client';

import { memo } from 'react';
import { cx } from '@/app/_ui/cx';
import { STATUS_SOFT, STATUS_WORD, StatusMark } from '@/app/_ui/status-mark';
import { verbPhrase } from '@/lib/fleet/operations/operation-words';
import { useOperations } from '../_operations/operations-context';
import { checkedAtOf, COMPARTMENT_WORDS } from './facts';
import { COMPARTMENT_NAMES, type CompartmentName } from '@/lib/protocol/compartment-names';
import type { CompartmentView } from '@/lib/protocol/live/views/compartment-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** The five compartments of a host: one icon per column on wide screens, one named tile each on phones. */
export function CompartmentCells({ host }: { host: HostView }) {
  return (
    <div className="grid grid-cols-5 gap-1.5 [grid-area:comps] lg:gap-0">
      {COMPARTMENT_NAMES.map((name) => {
        const { status, message, next } = host.compartments[name];
        return (
          <div key={name} role="cell" className="flex justify-center">
            <Compartment
              hostId={host.id}
              name={name}
              offline={!host.online}
              status={status}
              message={message}
              checkedAt={checkedAtOf(host, name)}
              next={next}
            />
          </div>
        );
      })}
    </div>
  );
}

const Compartment = memo(function Compartment({
  hostId,
  name,
  offline,
  status,
  message,
  checkedAt,
  next,
}: CompartmentView & { hostId: string; name: CompartmentName; offline: boolean }) {
  const { inspect } = useOperations();
  const { title } = COMPARTMENT_WORDS[name];
  const head = `${title}: ${STATUS_WORD[status]}`;
  const step = next === null ? 'Click for details.' : `Next step: ${verbPhrase(next, 'the host')}.`;
  return (
    <button
      type="button"
      data-compartment={name}
      data-status={status}
      data-tip={message === '' ? head : `${head}\n${message}`}
      data-tip-since={checkedAt ?? undefined}
      data-tip-next={step}
      aria-label={message === '' ? head : `${head}. ${message}`}
      onClick={() => inspect(hostId, name)}
      className={cx(
        'flex items-center justify-center rounded-md lg:size-8 lg:hover:bg-hover',
        'max-lg:w-full max-lg:flex-col max-lg:gap-1 max-lg:py-2',
        TILES[status],
        offline && 'lg:opacity-70',
      )}
    >
      <StatusMark status={status} />
      <span className="text-2xs font-medium lg:hidden">{title}</span>
    </button>
  );
});

/** Tiles have a background; icons in a column do not. */
const TILES = {
  ok: `${STATUS_SOFT.ok} lg:bg-transparent`,
  outdated: `${STATUS_SOFT.outdated} lg:bg-transparent`,
  error: `${STATUS_SOFT.error} lg:bg-transparent`,
  working: `${STATUS_SOFT.working} lg:bg-transparent`,
  unknown: `${STATUS_SOFT.unknown} lg:bg-transparent`,
};
