import { z } from 'zod';
import { commandId } from './fields';
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
});
