import { z } from 'zod';
import { commandId } from './fields';

/** Protocol 3: the agent has started the command, or knows that it runs. */
export const startedSchema = z.object({ command_id: commandId });
