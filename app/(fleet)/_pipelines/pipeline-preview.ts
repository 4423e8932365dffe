/** What a pipeline will do, by the rules that the dashboard applies. Pure. */
import { verbPhrase } from '@/lib/fleet/operations/operation-words';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { hostStages, isPrelude } from '@/lib/fleet/pipelines/pipeline-definitions';
import { hostCount } from '../_operations/plan';
import { stageOrder } from './pipeline-words';
import { notBusy } from '@/lib/fleet/operations/preconditions';
import { checkPolicy } from '@/lib/fleet/operations/policy-rules';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { PipelineView } from '@/lib/protocol/live/views/pipeline-view';

/** Hosts that will be skipped for the same reason. */
export interface SkippedGroup {
  code: 'offline' | 'elsewhere' | 'blocked';
  /** The code of the reason: that of the rule when `code` is `blocked`. */
  blockedBy: string;
  /** Names the first of them. */
  reason: string;
  hosts: readonly HostView[];
  /** The operator may run the pipeline on them anyway. */
  forceable: boolean;
}

export interface PipelinePreview {
  stages: readonly OperationId[];
  /** The hosts that will start. */
  ready: readonly HostView[];
  /** Those of `ready` that are busy now: the pipeline waits for them. */
  busy: readonly HostView[];
  skipped: readonly SkippedGroup[];
  /** Those of `ready` that will refuse a stage, and the reason of the first of them; '' without one. */
  refusing: readonly HostView[];
  refusal: string;
}

/** `now`: the dashboard's time, by which hosts that accept operations in their hours only are judged. */
export function previewPipeline(
  stages: readonly OperationId[],
  hosts: readonly HostView[],
  pipelines: readonly PipelineView[],
  force: boolean,
  now: number,
): PipelinePreview {
  const elsewhere = new Set(
    pipelines.flatMap((pipeline) =>
      pipeline.hosts.flatMap(({ hostId, status }) => (status === 'waiting' || status === 'running' ? [hostId] : [])),
    ),
  );
  const [first] = hostStages(stages);
  const ready: HostView[] = [];
  const busy: HostView[] = [];
  const refusing: HostView[] = [];
  let refusal = '';
  const groups = new Map<string, SkippedGroup & { hosts: HostView[] }>();
  const skip = (code: SkippedGroup['code'], blockedBy: string, reason: string, host: HostView, forceable = false) => {
    const group = groups.get(blockedBy);
    if (group) group.hosts.push(host);
    else groups.set(blockedBy, { code, blockedBy, reason, hosts: [host], forceable });
  };
  for (const host of hosts) {
    const isBusy = notBusy(host) !== null;
    const blocked = first ? checkOperation(OPERATIONS[first], host, null, force) : null;
    if (elsewhere.has(host.id)) skip('elsewhere', 'elsewhere', `${host.name} is in another pipeline.`, host);
    else if (!host.online) skip('offline', 'offline', `${host.name} is offline.`, host);
    else if (blocked && !isBusy) skip('blocked', blocked.code, blocked.reason, host, blocked.forceable);
    else {
      ready.push(host);
      if (isBusy) busy.push(host);
      const refused = hostStages(stages).map((stage) => checkPolicy(OPERATIONS[stage], host, now)?.reason);
      const reason = refused.find((each) => each !== undefined);
      if (reason === undefined) continue;
      refusing.push(host);
      refusal ||= reason;
    }
  }
  return { stages, ready, busy, skipped: [...groups.values()], refusing, refusal };
}

/** Sentences that say exactly what a click will do. */
export function previewSentences({ stages, ready, busy, skipped, refusing, refusal }: PipelinePreview): string[] {
  const perHost = hostStages(stages);
  const skippedCount = skipped.reduce((sum, { hosts }) => sum + hosts.length, 0);
  if (perHost.length === 0) return ['Pick at least one operation for the hosts.'];
  if (ready.length === 0) {
    return [skippedCount === 0 ? 'No host is selected.' : 'Nothing can be started: no host is ready.'];
  }
  const first = stages.find(isPrelude);
  const hosts = hostCount(ready);
  const until = ready.length === 1 ? 'It stops at the first failure.' : 'Each host stops at its first failure.';
  const runs = `On ${hosts}: ${stageOrder(perHost)}.`;
  const sentences = [
    ...(first ? [`The first step is to ${verbPhrase(first, hosts)}. If it fails, no host is changed.`] : []),
    perHost.length === 1 ? runs : `${runs} ${until}`,
  ];
  if (busy.length > 0) {
    const [are, them] = busy.length === 1 ? ['is', 'it'] : ['are', 'them'];
    sentences.push(`${hostCount(busy)} ${are} busy; the pipeline waits up to 10 minutes for ${them}.`);
  }
  if (refusing.length > 0)
    sentences.push(
      refusing.length === 1 ? refusal : `${refusing.length} hosts will refuse a stage. The first of them: ${refusal}`,
    );
  if (skippedCount > 0) {
    const why = skipped.map(({ code, hosts }) => SKIPPED[code](hosts.length));
    sentences.push(`Skipped: ${why.join(', ')}.`);
  }
  return sentences;
}

const SKIPPED: Record<SkippedGroup['code'], (n: number) => string> = {
  offline: (n) => `${n} offline`,
  elsewhere: (n) => `${n} in another pipeline`,
  blocked: (n) => `${n} not ready for the first stage`,
};
