/** How pipelines, their hosts and their stages read, and which colour they have. Pure. */
import { commandWord, type CommandWord } from '@/app/_output/drawer/command-words';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { OperationId, PipelineHostStatus, PipelineStepView, PipelineSummary } from '@/lib/protocol/live';

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
  // It runs, but begins nothing more: the reason says why.
  return { word: phase === 'cancelling' || reason !== '' ? 'Ending' : 'Running', tone: 'busy' };
}

export const HOST_WORDS: Record<PipelineHostStatus, PipelineWord> = {
  running: { word: 'Running', tone: 'busy' },
  waiting: { word: 'Not begun', tone: 'idle' },
  done: { word: 'Done', tone: 'ok' },
  failed: { word: 'Failed', tone: 'bad' },
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

export function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/** Hosts that are through or out, of all. */
export function hostsOver({ counts }: Pick<PipelineSummary, 'counts'>): { over: number; all: number } {
  const over = counts.done + counts.failed + counts.skipped;
  return { over, all: over + counts.waiting + counts.running };
}

/** "12 of 20 through, 1 failed, 2 skipped". */
export function progressText(pipeline: Pick<PipelineSummary, 'counts'>): string {
  const { done, failed, skipped } = pipeline.counts;
  const { all } = hostsOver(pipeline);
  const rest = [failed > 0 ? `${failed} failed` : '', skipped > 0 ? `${skipped} skipped` : ''].filter(Boolean);
  return [`${done} of ${all} done`, ...rest].join(', ');
}
