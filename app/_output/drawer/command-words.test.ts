import { describe, expect, it } from 'vitest';
import { pipelineWord } from '@/app/(fleet)/_pipelines/pipeline-words';
import { OUTCOME_PHRASES } from '@/lib/fleet/operations/operation-words';
import { COMMAND_OUTCOMES } from '@/lib/protocol/command-phases';
import { PIPELINE_OUTCOMES } from '@/lib/protocol/pipeline-kinds';
import { commandWord } from './command-words';

/** An outcome in the middle of a sentence is longer where its word alone would say too little. */
const LONGER: readonly string[] = ['unchanged', 'lost'];

describe('an outcome', () => {
  it.each(COMMAND_OUTCOMES.filter((outcome) => !LONGER.includes(outcome)))(
    'has the same name on a page and in an event: %s',
    (outcome) => {
      const { word } = commandWord({ phase: 'ended', outcome });
      expect(OUTCOME_PHRASES[outcome]).toContain(word.toLowerCase());
    },
  );

  it.each(PIPELINE_OUTCOMES)('of a pipeline has the name of that of a command: %s', (outcome) => {
    const { word } = pipelineWord({ phase: 'ended', outcome, reason: '' });
    expect(word).toBe(commandWord({ phase: 'ended', outcome }).word);
  });
});
