'use client';

import { memo } from 'react';
import { sameList } from '@/app/_live/derived';
import { steadyRows, useKept } from '@/app/_ui/steady';
import { useLive } from '@/app/_live/live';
import { newestCommand, openOutput } from '@/app/_output/drawer/open-output';
import { duration } from '@/app/_ui/ages';
import { cx } from '@/app/_ui/cx';
import { capitalised } from '@/app/_ui/sentence';
import { toast } from '@/app/_ui/toast-store';
import { Elapsed } from '@/app/_ui/time-ago';
import { nounPhrase } from '@/lib/fleet/operations/operation-words';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { ToneIcon } from '../../../_pipelines/pipeline-icon';
import { HOST_WORDS, stepWord } from '../../../_pipelines/pipeline-words';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { PipelineHostView, PipelineStepView } from '@/lib/protocol/live/views/pipeline-view';

/** Each host in each stage. A stage with a command opens its output. */
export function HostStages({
  stages,
  hosts,
  all,
}: {
  stages: readonly OperationId[];
  hosts: readonly PipelineHostView[];
  /** All hosts, also those that are filtered out: the progress of a stage counts them. */
  all: readonly PipelineHostView[];
}) {
  // While the pointer is over the hosts, none leaves a filtered list and no note comes or goes.
  const { kept, over } = useKept(hosts);
  const notes = new Map(kept?.map((host) => [host.hostId, noteOf(host)]));
  const { rows } = steadyRows(kept, hosts, idOf);
  const now = new Map(all.map((host) => [host.hostId, host]));
  return (
    <div
      role="region"
      aria-label="Hosts and stages"
      tabIndex={0}
      className="thin-scrollbar overflow-x-auto focus-visible:-outline-offset-2"
    >
      <table className="w-full text-left text-sm" data-testid="pipeline-hosts">
        <thead className="text-xs text-muted">
          <tr className="border-b">
            <th scope="col" className="px-4 py-2 font-medium">
              Host
            </th>
            {stages.map((id, index) => (
              <th scope="col" key={`${id}-${index}`} className="px-2 py-2 font-medium whitespace-nowrap">
                {OPERATIONS[id].label}
                <span className="block text-2xs font-normal text-faint">
                  {all.filter(({ steps }) => steps[index]?.status === 'done').length} of {all.length}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody {...over}>
          {rows.map(({ item }) => {
            const host = now.get(item.hostId) ?? item;
            return (
              <HostLine key={host.hostId} host={host} note={notes.get(host.hostId) ?? noteOf(host)} stages={stages} />
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const idOf = ({ hostId }: PipelineHostView) => hostId;

/** Why the host failed, was skipped or waits; empty without a reason. */
function noteOf({ reason, steps }: PipelineHostView): string {
  const last = steps.at(-1);
  if (reason !== '') return reason;
  return last?.status === 'waiting' ? last.reason : '';
}

interface HostLineProps {
  host: PipelineHostView;
  note: string;
  stages: readonly OperationId[];
}

/** One host. It renders again only when this host changes. */
const HostLine = memo(function HostLine({ host, note, stages }: HostLineProps) {
  const { name, status, steps } = host;
  const { word, tone } = HOST_WORDS[status];
  return (
    <>
      <tr data-testid="pipeline-host" data-host={name} data-status={status} className="border-t first:border-t-0">
        <th scope="row" className={cx('px-4 pt-2 font-medium', note === '' ? 'pb-2' : 'pb-0.5')}>
          <span className="flex items-center gap-2">
            <ToneIcon tone={tone} waits={status === 'waiting'} />
            <span className="min-w-0 break-words">{name}</span>
            <span className={status === 'done' ? 'sr-only' : 'text-xs font-normal text-muted max-sm:sr-only'}>
              {word}
            </span>
          </span>
        </th>
        {stages.map((id, index) => (
          <td key={`${id}-${index}`} className="px-1 py-1 align-middle">
            <Step host={host} step={steps[index]} operation={id} />
          </td>
        ))}
      </tr>
      {note !== '' && (
        <tr>
          <td colSpan={stages.length + 1} className="px-4 pt-0 pb-2 text-xs text-muted">
            {note}
          </td>
        </tr>
      )}
    </>
  );
}, isSameLine);

/** The list of stages is a new object with each change, with the same content. */
function isSameLine(a: HostLineProps, b: HostLineProps): boolean {
  return a.host === b.host && a.note === b.note && sameList(a.stages, b.stages);
}

function Step({
  host,
  step,
  operation,
}: {
  host: PipelineHostView;
  step: PipelineStepView | undefined;
  operation: OperationId;
}) {
  const { store } = useLive();
  const phrase = nounPhrase(operation, host.name);
  if (!step) return <span className="px-1.5 text-xs text-faint">–</span>;
  const { word, tone } = stepWord(step);
  const { commandId } = step;
  const content = (
    <>
      <ToneIcon tone={tone} waits={step.status === 'waiting'} />
      <span className={tone === 'ok' || step.status === 'running' ? 'sr-only' : 'text-muted max-sm:sr-only'}>
        {word}
      </span>
      {step.endedAt === null ? (
        <Elapsed since={step.startedAt} className="text-faint" />
      ) : (
        <span className="text-faint">{duration(step.endedAt - step.startedAt)}</span>
      )}
    </>
  );
  const classes = 'flex items-center gap-1.5 rounded-md px-1.5 py-1 text-xs whitespace-nowrap pointer-coarse:min-h-11';
  if (commandId === null) return <span className={classes}>{content}</span>;
  return (
    <button
      type="button"
      className={cx(classes, 'hover:bg-hover')}
      data-tip={`${capitalised(phrase)}: ${word.toLowerCase()}\n${step.reason}`.trimEnd()}
      data-tip-next="Click to view the output."
      onClick={() => {
        const known = store.get().byId.get(host.hostId);
        if (known)
          openOutput({ hostId: host.hostId, commandId, pinned: newestCommand(known)?.id !== commandId, focus: true });
        else toast({ tone: 'info', title: `${host.name} was removed, with its output` });
      }}
    >
      <span className="sr-only">{`Output of the ${phrase}: `}</span>
      {content}
    </button>
  );
}
