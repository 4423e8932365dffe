import { z } from 'zod';
import { commandId, count, text } from './fields';
import { metricsSchema } from './metrics';

const compartmentReportSchema = z
  .object({ status: text(32), message: text(1_024), checked_at: text(64) })
  .nullish()
  .transform((value) => value ?? { status: '', message: '', checked_at: '' });

const updateStatusSchema = z
  .object({
    git: compartmentReportSchema,
    lock: compartmentReportSchema,
    system: compartmentReportSchema,
    tests: compartmentReportSchema,
  })
  .nullish()
  .transform((value) => value ?? null);

/** What a host reports at every interval. */
export const heartbeatSchema = z.object({
  generation: text(128),
  nixpkgs_version: text(128),
  pending_command: text(64),
  command_pid: count.nullish().transform((value) => value ?? null),
  metrics: metricsSchema.nullish().transform((value) => value ?? null),
  update_status: updateStatusSchema,
  source_commit: text(128),
  store_path: text(1_024),
  binary_hash: text(128),
  lock_hash: text(128),
  /** Protocol 3: the id of the pending command. */
  command_id: commandId.nullish().transform((value) => value ?? null),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;
