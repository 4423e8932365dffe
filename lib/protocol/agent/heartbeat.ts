import { z } from 'zod';
import { commandId, count, text } from './fields';
import { metricsSchema } from './metrics';

/** Lengths of the text fields, in UTF-16 units. */
export const HEARTBEAT_TEXT = {
  generation: 128,
  nixpkgs_version: 128,
  pending_command: 64,
  source_commit: 128,
  store_path: 1_024,
  binary_hash: 128,
  lock_hash: 128,
  report: { status: 32, message: 1_024, checked_at: 64 },
} as const;

const compartmentReportSchema = z
  .object({
    status: text(HEARTBEAT_TEXT.report.status),
    message: text(HEARTBEAT_TEXT.report.message),
    checked_at: text(HEARTBEAT_TEXT.report.checked_at),
  })
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
  generation: text(HEARTBEAT_TEXT.generation),
  nixpkgs_version: text(HEARTBEAT_TEXT.nixpkgs_version),
  pending_command: text(HEARTBEAT_TEXT.pending_command),
  command_pid: count.nullish().transform((value) => value ?? null),
  metrics: metricsSchema.nullish().transform((value) => value ?? null),
  update_status: updateStatusSchema,
  source_commit: text(HEARTBEAT_TEXT.source_commit),
  store_path: text(HEARTBEAT_TEXT.store_path),
  binary_hash: text(HEARTBEAT_TEXT.binary_hash),
  lock_hash: text(HEARTBEAT_TEXT.lock_hash),
  /** Protocol 3: the id of the pending command. */
  command_id: commandId.nullish().transform((value) => value ?? null),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;
