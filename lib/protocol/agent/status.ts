import { z } from 'zod';
import { ROLLED_BACK_REASONS } from './confirmation';
import { commandId, count, text } from './fields';
import { REFUSED_REASONS } from './host-policy';

/** The result of a command. */
export const statusSchema = z.object({
  status: z.enum(['ok', 'error', 'stopped', 'warning']),
  command: text(64),
  exit_code: z
    .number()
    .int()
    .nullish()
    .transform((value) => value ?? null),
  message: text(2_048),
  generation: text(128),
  /** Protocol 3. */
  command_id: commandId.nullish().transform((value) => value ?? null),
  /** Protocol 3: the agent process ends after this result and a new one starts. */
  restarting: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
  /** Protocol 3: the command was stopped, but a part of it may go on; the message says which. */
  may_continue: z
    .boolean()
    .nullish()
    .transform((value) => (value === true ? true : undefined)),
  /** With `error`: the host went back to the previous system. Agents without the capability `confirm` never send it. */
  rolled_back: text(32).transform((value) => ROLLED_BACK_REASONS.find((reason) => reason === value)),
  /** With `error`: the policy of the host refused the command. Only sent to a dashboard that names `refused` in `registered`. */
  refused: text(32).transform((value) => REFUSED_REASONS.find((reason) => reason === value)),
  /** Protocol 3: the number of the last output line of this command. */
  last_seq: count.nullish().transform((value) => value ?? null),
});
export type StatusResult = z.infer<typeof statusSchema>;
