import { expect, it } from 'vitest';
import { ACCEPTED, BASE_FRAMES, REFUSED_FIELD } from './accepts';
import { agentPayloadSchemas } from './from-agent';

it('a dashboard that names nothing gets the frames of 4.0.0 and no other', () => {
  expect([...BASE_FRAMES].sort()).toEqual([
    'command_rejected',
    'heartbeat',
    'operation_progress',
    'output',
    'output_batch',
    'register',
    'started',
    'status',
  ]);
});

it('this dashboard names every other frame that it reads, and the field of a refusal', () => {
  expect([...BASE_FRAMES, ...ACCEPTED].sort()).toEqual([...Object.keys(agentPayloadSchemas), REFUSED_FIELD].sort());
});
