import { z } from 'zod';
import { commandId } from './fields';
import { MAX_CONFIRM_S, MIN_CONFIRM_S } from './confirm-window';
import { sentAs } from './sent-as';
import { generationNumber } from './system-generations';
import type { WireCommand } from './wire-commands';

/** Run this command. A name that the agent does not know is refused by the agent, not by its parser. */
export const commandSchema = z.object({
  command: sentAs<WireCommand>()(z.string().max(64)),
  /** Protocol 3: an id that was seen before is not run again. */
  id: commandId.optional(),
  /** Protocol 3, for `stop`: the command to stop. */
  target: commandId.optional(),
  /** For `switch-generation`: the number of the generation. */
  generation: generationNumber.optional(),
  /**
   * For switches of an agent with the capability `confirm`: go back unless this dashboard confirms in time. `window_s`:
   * seconds from the end of the activation.
   */
  confirm: z.object({ window_s: sentAs<number>()(z.number().int().min(MIN_CONFIRM_S).max(MAX_CONFIRM_S)) }).optional(),
});
