'use client';

import { serverNow } from '@/app/_ui/clock';
import { ArrowRight } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { useLiveFacts, usePipelines } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { Checkbox } from '@/app/_ui/checkbox';
import { Dialog } from '@/app/_ui/dialog';
import { SelectField } from '@/app/_ui/field';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import {
  DEFAULT_PARALLELISM,
  MAX_PIPELINE_HOSTS,
  PIPELINES,
  stagesProblem,
} from '@/lib/fleet/pipelines/pipeline-definitions';
import { blockedHosts } from '../_operations/blocked-words';
import { ConfirmChoice } from '../_operations/confirm-choice';
import { confirmWords } from '../_operations/confirm-words';
import { hostCount } from '../_operations/plan';
import { useHosts } from '../_operations/use-hosts';
import { previewPipeline, previewSentences, type SkippedGroup } from './pipeline-preview';
import { sendPipeline } from './send-pipeline';
import { StagePicker } from './stage-picker';
import type { ReviewedPullRequest } from '@/lib/fleet/records/requests';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { PipelineKind } from '@/lib/protocol/pipeline-kinds';

const AT_ONCE = [1, 2, 5, DEFAULT_PARALLELISM, 25, 50];
/** Host names shown per group; the rest are counted. */
const MAX_NAMES = 5;

/** Starts a pipeline: its stages, its hosts, how many run in parallel, and what happens on a failure. */
export function PipelineDialog({
  kind,
  hostIds,
  pullRequest,
  onClose,
}: {
  kind: PipelineKind;
  hostIds: readonly string[];
  /** The pull request that is merged first, if that is a stage. */
  pullRequest?: ReviewedPullRequest;
  onClose: () => void;
}) {
  const router = useRouter();
  const { label, description, stages: known } = PIPELINES[kind];
  const [picked, setPicked] = useState<readonly OperationId[]>(['pull', 'switch']);
  const [parallelism, setParallelism] = useState(DEFAULT_PARALLELISM);
  const [stopOnFailure, setStopOnFailure] = useState(false);
  const [force, setForce] = useState(false);
  const [confirm, setConfirm] = useState<boolean | null>(null);
  const { confirm: policy } = useLiveFacts();
  const hosts = useHosts(hostIds);
  const stages = kind === 'custom' ? picked : known;
  const pipelines = usePipelines();
  const preview = previewPipeline(stages, hosts, pipelines, force, serverNow());
  const possible = stagesProblem(stages) === null && preview.ready.length > 0;
  const firstSwitch = stages.find((id) => OPERATIONS[id].confirmable);
  const confirmation = firstSwitch ? confirmWords(firstSwitch, preview.ready, policy, confirm) : null;
  const mayForce = force || preview.skipped.some((group) => group.forceable);

  const start = () => {
    onClose();
    const hostIds = hosts.map((host) => host.id);
    const request = { kind, stages: kind === 'custom' ? [...picked] : [], hostIds, parallelism, stopOnFailure, force };
    const choice = confirm === null ? {} : { confirm };
    void sendPipeline({ ...request, ...choice, pullRequest }, hostCount(preview.ready), (id) =>
      router.push(`/activity/pipelines/${id}`),
    );
  };

  return (
    <Dialog
      open
      onClose={onClose}
      keepsHeight
      title={`${label}: ${hostCount(hosts)}`}
      description={description}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={!possible}
            onClick={start}
            data-autofocus={kind !== 'custom' || undefined}
          >
            {preview.ready.length > 1 ? `Start on ${preview.ready.length} hosts` : 'Start'}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        {kind === 'custom' ? <StagePicker stages={picked} onChange={setPicked} /> : <Stages stages={stages} />}
        <div role="status" data-testid="pipeline-preview" className="grid gap-1 text-sm">
          {previewSentences(preview).map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
        </div>
        {preview.skipped.length > 0 && (
          <ul aria-label="Skipped" className="grid gap-1.5">
            {preview.skipped.map((group) => (
              <li key={group.reason} className="rounded-md bg-sunken px-3 py-2 text-xs text-muted">
                <Skipped group={group} />
              </li>
            ))}
          </ul>
        )}
        {confirmation && <ConfirmChoice words={confirmation} onChange={setConfirm} />}
        {mayForce && <Checkbox checked={force} onChange={setForce} label="Run on these hosts anyway" />}
        {hosts.length > 1 && (
          <>
            <SelectField
              label="Hosts in parallel"
              value={parallelism}
              onChange={(event) => setParallelism(Number(event.target.value))}
            >
              {AT_ONCE.map((count) => (
                <option key={count} value={count}>
                  {count === 1 ? 'One at a time' : count}
                </option>
              ))}
              <option value={MAX_PIPELINE_HOSTS}>All</option>
            </SelectField>
            <Checkbox
              checked={stopOnFailure}
              onChange={setStopOnFailure}
              label="Stop the pipeline at the first failure"
              hint="After a host fails, nothing new starts; running commands finish."
            />
          </>
        )}
      </div>
    </Dialog>
  );
}

function Stages({ stages }: { stages: readonly OperationId[] }) {
  return (
    <ol aria-label="Stages" className="flex flex-wrap items-center gap-1.5">
      {stages.map((id, index) => (
        <li key={id} className="flex items-center gap-1.5">
          {index > 0 && <ArrowRight className="size-3.5 text-faint" aria-hidden="true" />}
          <span className="rounded-md bg-accent-soft px-2 py-1 text-xs font-medium text-accent">
            {OPERATIONS[id].label}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Skipped({ group: { blockedBy, reason, hosts } }: { group: SkippedGroup }) {
  if (hosts.length === 1) return reason;
  const { summary, details } = blockedHosts(blockedBy, reason, hosts, MAX_NAMES);
  return (
    <>
      <span className="font-medium text-ink">{summary}</span> {details}
    </>
  );
}
