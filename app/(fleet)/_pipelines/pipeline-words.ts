/** Words and colours for the states of pipelines, their hosts and their stages. Pure. */
import { commandWord, type CommandWord } from '@/app/_output/drawer/command-words';
import { joinWords } from '@/app/_ui/sentence';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { PipelineHostStatus } from '@/lib/protocol/pipeline-kinds';
import type { PipelineStepView, PipelineSummary } from '@/lib/protocol/live/views/pipeline-view';

export interface PipelineWord {
  word: string;
  tone: CommandWord['tone'];
}

const OUTCOMES: Record<NonNullable<PipelineSummary['outcome']>, PipelineWord> = {
  succeeded: { word: 'Succeeded', tone: 'ok' },
  partial: { word: 'Partly done', tone: 'warn' },
  failed: { word: 'Failed', tone: 'bad' },
  cancelled: { word: 'Cancelled', tone: 'idle' },
};

export function pipelineWord({
  phase,
  outcome,
  reason,
}: Pick<PipelineSummary, 'phase' | 'outcome' | 'reason'>): PipelineWord {
  if (outcome) return OUTCOMES[outcome];
  // It is running but starts nothing new: the reason says why.
  return { word: phase === 'cancelling' || reason !== '' ? 'Ending' : 'Running', tone: 'busy' };
}

export const HOST_WORDS: Record<PipelineHostStatus, PipelineWord> = {
  running: { word: 'Running', tone: 'busy' },
  waiting: { word: 'Not started', tone: 'idle' },
  done: { word: 'Done', tone: 'ok' },
  failed: { word: 'Failed', tone: 'bad' },
  'rolled-back': { word: 'Rolled back', tone: 'back' },
  refused: { word: 'Refused', tone: 'bad' },
  skipped: { word: 'Skipped', tone: 'idle' },
};

export function stepWord(step: PipelineStepView): PipelineWord {
  switch (step.status) {
    case 'waiting':
      return { word: 'Waiting', tone: 'busy' };
    case 'running':
      return { word: 'Running', tone: 'busy' };
    case 'done':
      return step.outcome ? commandWord({ phase: 'ended', outcome: step.outcome }) : { word: 'Done', tone: 'ok' };
    case 'failed':
      return step.outcome ? commandWord({ phase: 'ended', outcome: step.outcome }) : { word: 'Not sent', tone: 'bad' };
  }
}

/** "Pull, Switch and Test". */
export function stageWords(stages: readonly OperationId[]): string {
  return joinWords(stages.map((id) => OPERATIONS[id].label));
}

/** "Pull, Switch, then Test": the stages in their order. */
export function stageOrder(stages: readonly OperationId[]): string {
  const labels = stages.map((id) => OPERATIONS[id].label);
  const last = labels.pop() ?? '';
  return labels.length === 0 ? last : `${labels.join(', ')}, then ${last}`;
}

/** The number of hosts that are done, failed, rolled back, refused or skipped, and of all hosts. */
export function hostsOver({ counts }: Pick<PipelineSummary, 'counts'>): { over: number; all: number } {
  const over = counts.done + counts.failed + counts['rolled-back'] + counts.refused + counts.skipped;
  return { over, all: over + counts.waiting + counts.running };
}

/** "12 of 20 done, 1 failed, 1 rolled back, 1 refused, 2 skipped". */
export function progressText(pipeline: Pick<PipelineSummary, 'counts'>): string {
  const { done, failed, 'rolled-back': rolledBack, refused, skipped } = pipeline.counts;
  const { all } = hostsOver(pipeline);
  const rest = [
    failed > 0 ? `${failed} failed` : '',
    rolledBack > 0 ? `${rolledBack} rolled back` : '',
    refused > 0 ? `${refused} refused` : '',
    skipped > 0 ? `${skipped} skipped` : '',
  ].filter(Boolean);
  return [`${done} of ${all} done`, ...rest].join(', ');
}
