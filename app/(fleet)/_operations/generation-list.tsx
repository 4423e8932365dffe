'use client';

import { useId } from 'react';
import { Badge } from '@/app/_ui/badge';
import { cx } from '@/app/_ui/cx';
import { TimeAgo } from '@/app/_ui/time-ago';
import { counted } from '@/lib/text/counted';
import { isInUse, shortRevision } from './generation-facts';
import type { SystemGeneration, SystemGenerations } from '@/lib/fleet/records/generations-record';

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' });

/** The generations of a host, one of which can be chosen. */
export function GenerationList({
  list: { generations, total },
  chosen,
  onChoose,
}: {
  list: SystemGenerations;
  chosen: number | null;
  onChoose: (generation: number) => void;
}) {
  const group = useId();
  const more = total - generations.length;
  return (
    <fieldset className="thin-scrollbar min-h-0 grow overflow-y-auto rounded-md border">
      <legend className="sr-only">Generations</legend>
      {generations.map((generation) => (
        <Row
          key={generation.number}
          group={group}
          generation={generation}
          isChosen={generation.number === chosen}
          onChoose={() => onChoose(generation.number)}
        />
      ))}
      {(more > 0 || !generations.some(({ runs }) => runs)) && (
        <p className="border-t px-3 py-2 text-xs text-muted">
          {more > 0 && `${counted(more, 'older generation')} ${more === 1 ? 'is' : 'are'} not listed. `}
          {!generations.some(({ runs }) => runs) && 'The running system is not in this list.'}
        </p>
      )}
    </fieldset>
  );
}

function Row({
  group,
  generation,
  isChosen,
  onChoose,
}: {
  group: string;
  generation: SystemGeneration;
  isChosen: boolean;
  onChoose: () => void;
}) {
  const { number, createdAt, nixosVersion, kernelVersion, revision, runs, nextBoot, booted } = generation;
  const disabled = isInUse(generation);
  return (
    <label
      data-testid="generation"
      className={cx(
        'grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-0.5 border-t px-3 py-2 first-of-type:border-t-0 pointer-coarse:py-3',
        'has-focus-visible:outline-2 has-focus-visible:-outline-offset-2 has-focus-visible:outline-accent',
        disabled ? 'cursor-default' : 'cursor-pointer hover:bg-hover',
        isChosen && 'bg-accent-soft',
      )}
    >
      <input
        type="radio"
        name={group}
        value={number}
        checked={isChosen}
        disabled={disabled}
        onChange={onChoose}
        className="row-span-2 mt-0.5 size-4 accent-accent outline-none"
      />
      <span className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
        Generation {number}
        {runs && <Badge tone="ok">runs now</Badge>}
        {nextBoot && <Badge tone="accent">boot default</Badge>}
        {booted && <Badge>booted</Badge>}
      </span>
      <span className="flex flex-wrap gap-x-3 text-xs text-muted">
        <span>
          {DAY.format(createdAt)}, <TimeAgo at={createdAt} />
        </span>
        {nixosVersion !== '' && <span className="break-all">NixOS {nixosVersion}</span>}
        {kernelVersion !== '' && <span className="break-all">Linux {kernelVersion}</span>}
        {revision !== '' && (
          <span className="break-all" data-tip={revision}>
            commit <span className="font-mono">{shortRevision(revision)}</span>
          </span>
        )}
      </span>
    </label>
  );
}
