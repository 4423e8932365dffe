/** Every frame that an agent sends. Extra fields are ignored. */
import type { z } from 'zod';
import { commandRejectedSchema } from './command-rejected';
import { confirmationSchema } from './confirmation';
import { heartbeatSchema } from './heartbeat';
import { hostPolicySchema } from './host-policy';
import { operationProgressSchema } from './operation-progress';
import { outputSchema } from './output';
import { outputBatchSchema } from './output-batch';
import { registerSchema } from './register';
import { startedSchema } from './started';
import { statusSchema } from './status';
import { systemGenerationsSchema } from './system-generations';

/** The schema of each frame's payload, by the frame's type. */
export const agentPayloadSchemas = {
  register: registerSchema,
  heartbeat: heartbeatSchema,
  output: outputSchema,
  output_batch: outputBatchSchema,
  status: statusSchema,
  started: startedSchema,
  operation_progress: operationProgressSchema,
  command_rejected: commandRejectedSchema,
  system_generations: systemGenerationsSchema,
  confirmation: confirmationSchema,
  host_policy: hostPolicySchema,
} as const;

export type AgentFrameType = keyof typeof agentPayloadSchemas;
/** A parsed frame of an agent: no field is absent, and texts contain no control characters. */
export type AgentFrame = {
  [T in AgentFrameType]: { type: T; payload: z.infer<(typeof agentPayloadSchemas)[T]> };
}[AgentFrameType];
/** A frame as an agent sends it. */
export type AgentFrameInput = {
  [T in AgentFrameType]: { type: T; payload: z.input<(typeof agentPayloadSchemas)[T]> };
}[AgentFrameType];
