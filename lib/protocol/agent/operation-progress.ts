import { z } from 'zod';
import { boundedEntries } from '../bounded';
import { count, text } from './fields';
import { MAX_PROGRESS_PHASES } from './frame-limits';

const progressPhaseSchema = z.object({
  current: count.nullish().transform((value) => value ?? 0),
  total: count.nullish().transform((value) => value ?? 0),
  status: text(32),
});

/** The progress of the current command, by phase. */
export const operationProgressSchema = z.object({
  progress: boundedEntries(MAX_PROGRESS_PHASES, 'phases').pipe(
    z.record(z.string().max(32), progressPhaseSchema.nullish().catch(null)),
  ),
});
