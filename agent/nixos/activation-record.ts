/** The activation that is under way, on disk before it starts: whatever ends the agent, the next one finds it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CHECK_STATUSES, ROLLED_BACK_REASONS } from '@/lib/protocol/agent/confirmation';
import { readStateFile, writeStateFile } from '../state-file';

const FILE = 'activation.json';

const confirmedSchema = z.object({
  /** Seconds from the end of the activation in which it has to be confirmed. */
  windowS: z.number(),
  /**
   * `activating`: up to the end of the activation. `waiting`: for checks and the confirmation. `keeping`: it becomes
   * the boot default. `going-back`: nixfleet-root activates the previous system.
   */
  stage: z.enum(['activating', 'waiting', 'keeping', 'going-back']),
  /** Units and checks before the switch. */
  before: z.object({
    units: z
      .object({ failed: z.array(z.string()), restarting: z.array(z.string()), starting: z.array(z.string()) })
      .nullable(),
    declared: z.record(z.string(), z.enum(CHECK_STATUSES)),
  }),
  /** The agent of the new system has taken over. */
  cameBack: z.boolean(),
  /** What the activation ended with, where that is no reason to go back. */
  activation: z.object({ exitCode: z.number(), failure: z.string() }).nullable(),
  /** Why it goes back; null until that is decided. */
  back: z.object({ reason: z.enum(ROLLED_BACK_REASONS), text: z.string() }).nullable(),
});

const recordSchema = z.object({
  /** An agent that does not know the number leaves the file alone. 2: with `confirm`. */
  version: z.union([z.literal(1), z.literal(2)]),
  /** What nixfleet-root calls it. */
  id: z.string(),
  /** The command that it belongs to; null where the dashboard gave no id. */
  commandId: z.string().nullable(),
  command: z.string(),
  /** Number of the command's last line before the activation's own output. */
  lastSeq: z.number(),
  /** What is concluded from its end. */
  purpose: z.enum(['switch', 'pull-switch', 'force-update', 'boot', 'rollback', 'switch-generation']),
  action: z.enum(['test', 'switch', 'boot']),
  /** Store path of the system. */
  target: z.string(),
  /** The number of the generation, where the target is one. */
  generation: z.number().nullable().default(null),
  /** The commit of the clone: for a build, the one that it was built from. */
  commit: z.string(),
  /** Store path of the system that ran before. */
  running: z.string(),
  /** Units that failed before; null where systemd did not tell. */
  failedUnits: z.array(z.string()).nullable(),
  bootId: z.string(),
  /** The file with its output; null until nixfleet-root has answered. */
  output: z.string().nullable(),
  /** For a switch that is taken back unless it is confirmed. */
  confirm: confirmedSchema.nullable().default(null),
});
export type ConfirmedState = z.infer<typeof confirmedSchema>;
export type ActivationRecord = z.infer<typeof recordSchema>;
export type ActivationPurpose = ActivationRecord['purpose'];

/** Null when there is none, or one of another version. */
export const readActivation = (stateDir: string): ActivationRecord | null =>
  readStateFile(join(stateDir, FILE), recordSchema);

/** Throws on a full or read-only disk: then nothing may be activated. */
export function writeActivation(stateDir: string, record: ActivationRecord): void {
  writeStateFile(join(stateDir, FILE), record);
}

/** Removes the record of this activation; that of a later one stays. */
export function removeActivation(stateDir: string, id: string): void {
  if (readActivation(stateDir)?.id === id) rmSync(join(stateDir, FILE), { force: true });
}
