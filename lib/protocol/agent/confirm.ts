import { z } from 'zod';
import { commandId } from './fields';

/** The answer to a `confirmation`. It may be repeated; the first one that an agent acts on counts. */
export const confirmSchema = z.object({
  command_id: commandId,
  /** True: keep the system. False: go back to the previous one. */
  keep: z.boolean(),
  /** An operator asked for it: checks that have not passed are ignored. Else the dashboard answers by itself. */
  by_operator: z.boolean(),
});
