/** What a pipeline will do, before it is started: judged by the same rules as the dashboard's. Pure. */
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { hostStages, isPrelude } from '@/lib/fleet/pipelines/pipeline-kinds';
import type { HostView, OperationId, PipelineView } from '@/lib/protocol/live';
import { hostCount } from '../_operations/plan';
import { joinWords, stageWords } from './pipeline-words';
import { notBusy } from '@/lib/fleet/operations/preconditions';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';

/** Hosts that will be passed over for one and the same reason. */
export interface SkippedGroup {
  code: 'offline' | 'elsewhere' | 'blocked';
  /** About the first of them. */
  reason: string;
  hosts: readonly HostView[];
  /** The operator may go ahead on them all the same. */
  forceable: boolean;
}

export interface PipelinePreview {
  stages: readonly OperationId[];
  /** The hosts that will begin. */
  ready: readonly HostView[];
  /** Of these, those that are busy now, so that they are waited for. */
  busy: readonly HostView[];
  skipped: readonly SkippedGroup[];
}

export function previewPipeline(
  stages: readonly OperationId[],
  hosts: readonly HostView[],
  pipelines: readonly PipelineView[],
  force: boolean,
): PipelinePreview {
  const elsewhere = new Set(
    pipelines.flatMap((pipeline) =>
      pipeline.hosts.flatMap(({ hostId, status }) => (status === 'waiting' || status === 'running' ? [hostId] : [])),
    ),
  );
  const [first] = hostStages(stages);
  const ready: HostView[] = [];
  const busy: HostView[] = [];
  const groups = new Map<string, SkippedGroup & { hosts: HostView[] }>();
  const skip = (code: SkippedGroup['code'], key: string, reason: string, host: HostView, forceable = false) => {
    const group = groups.get(key);
    if (group) group.hosts.push(host);
    else groups.set(key, { code, reason, hosts: [host], forceable });
  };
  for (const host of hosts) {
    const isBusy = notBusy(host) !== null;
    const blocked = first ? checkOperation(OPERATIONS[first], host, force) : null;
    if (elsewhere.has(host.id)) skip('elsewhere', 'elsewhere', `${host.name} is in another pipeline.`, host);
    else if (!host.online) skip('offline', 'offline', `${host.name} is offline.`, host);
    else if (blocked && !isBusy) skip('blocked', blocked.code, blocked.reason, host, blocked.forceable);
    else {
      ready.push(host);
      if (isBusy) busy.push(host);
    }
  }
  return { stages, ready, busy, skipped: [...groups.values()] };
}

/** Says exactly what a click will do. */
export function previewSentences({ stages, ready, busy, skipped }: PipelinePreview): string[] {
  const own = hostStages(stages);
  const left = skipped.reduce((sum, { hosts }) => sum + hosts.length, 0);
  if (own.length === 0) return ['Pick at least one operation for the hosts.'];
  if (ready.length === 0) {
    return [left === 0 ? 'No host is selected.' : 'Nothing can be started: none of these hosts can take it now.'];
  }
  const first = stages.find(isPrelude);
  const who = hostCount(ready);
  const goes = ready.length === 1 ? 'goes' : 'go';
  const each = ready.length === 1 ? 'as far as it goes well' : 'each as far as it goes well';
  const sentences = [
    ...(first ? [`First, once: ${OPERATIONS[first].label}. If that fails, no host is touched.`] : []),
    own.length === 1
      ? `${who} ${goes} through ${stageWords(own)}.`
      : `${who} ${goes} through ${stageWords(own)}, ${each}.`,
  ];
  if (busy.length > 0) {
    sentences.push(
      `${hostCount(busy)} ${busy.length === 1 ? 'is' : 'are'} busy and will be waited for, at most 10 minutes.`,
    );
  }
  if (left > 0) {
    const why = skipped.map(({ code, hosts }) => SKIPPED[code](hosts.length));
    sentences.push(`${capital(joinWords(why))} and will be skipped.`);
  }
  return sentences;
}

const SKIPPED: Record<SkippedGroup['code'], (n: number) => string> = {
  offline: (n) => `${n} ${n === 1 ? 'is' : 'are'} offline`,
  elsewhere: (n) => `${n} ${n === 1 ? 'is' : 'are'} in another pipeline`,
  blocked: (n) => `${n} can’t take the first stage`,
};

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
