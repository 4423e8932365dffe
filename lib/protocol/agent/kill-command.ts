import { z } from 'zod';
import { sentAs } from './sent-as';

/** End the running command by a signal. */
export const killCommandSchema = z.object({
  signal: sentAs<'SIGTERM' | 'SIGKILL'>()(z.string().max(16)),
  /** 0 or absent: the command that runs. */
  pid: sentAs<number>()(z.number().int().min(0).optional()),
});
