/**
 * Reads the payload of a heartbeat without the general schema: heartbeats are nearly all that a fleet sends, and the
 * schema takes several times as long. `heartbeat.ts` defines what a heartbeat is; a property test compares the two.
 */
import { plainText } from '@/lib/text/plain-text';
import { COMMAND_ID } from './fields';
import { HEARTBEAT_TEXT, type Heartbeat } from './heartbeat';
import type { Metrics } from './metrics';

type Fields = Readonly<Record<string, unknown>>;
type UpdateStatus = NonNullable<Heartbeat['update_status']>;
type Report = UpdateStatus['git'];

/** The heartbeat, exactly as the schema gives it; null for a payload that is left to the schema. */
export function readHeartbeat(payload: unknown): Heartbeat | null {
  if (!isObject(payload)) return null;
  const commandPid = payload.command_pid ?? null;
  if (commandPid !== null && !isCount(commandPid)) return null;
  const commandId = payload.command_id ?? null;
  if (commandId !== null && !(typeof commandId === 'string' && COMMAND_ID.test(commandId))) return null;
  const metrics = payload.metrics == null ? null : readMetrics(payload.metrics);
  if (metrics === undefined) return null;
  const updateStatus = payload.update_status == null ? null : readUpdateStatus(payload.update_status);
  if (updateStatus === undefined) return null;
  const text = HEARTBEAT_TEXT;
  const generation = readText(payload.generation, text.generation);
  const nixpkgsVersion = readText(payload.nixpkgs_version, text.nixpkgs_version);
  const pendingCommand = readText(payload.pending_command, text.pending_command);
  const sourceCommit = readText(payload.source_commit, text.source_commit);
  const storePath = readText(payload.store_path, text.store_path);
  const binaryHash = readText(payload.binary_hash, text.binary_hash);
  const lockHash = readText(payload.lock_hash, text.lock_hash);
  if (generation === null || nixpkgsVersion === null || pendingCommand === null || sourceCommit === null) return null;
  if (storePath === null || binaryHash === null || lockHash === null) return null;
  return {
    generation,
    nixpkgs_version: nixpkgsVersion,
    pending_command: pendingCommand,
    command_pid: commandPid,
    metrics,
    update_status: updateStatus,
    source_commit: sourceCommit,
    store_path: storePath,
    binary_hash: binaryHash,
    lock_hash: lockHash,
    command_id: commandId,
  };
}

function readMetrics(value: unknown): Metrics | undefined {
  if (!isObject(value)) return undefined;
  const { cpu, ram, swap, load } = value;
  if (!isNumber(cpu) || !isNumber(ram) || !isNumber(swap) || !isNumber(load)) return undefined;
  return { cpu: cpu ?? null, ram: ram ?? null, swap: swap ?? null, load: load ?? null };
}

function readUpdateStatus(value: unknown): UpdateStatus | undefined {
  if (!isObject(value)) return undefined;
  const git = readReport(value.git);
  const lock = readReport(value.lock);
  const system = readReport(value.system);
  const tests = readReport(value.tests);
  return git && lock && system && tests ? { git, lock, system, tests } : undefined;
}

function readReport(value: unknown): Report | null {
  if (value == null) return { status: '', message: '', checked_at: '' };
  if (!isObject(value)) return null;
  const status = readText(value.status, HEARTBEAT_TEXT.report.status);
  const message = readText(value.message, HEARTBEAT_TEXT.report.message);
  const checkedAt = readText(value.checked_at, HEARTBEAT_TEXT.report.checked_at);
  return status === null || message === null || checkedAt === null ? null : { status, message, checked_at: checkedAt };
}

function readText(value: unknown, max: number): string | null {
  if (value == null) return '';
  return typeof value === 'string' ? plainText(value, max) : null;
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isNumber = (value: unknown): value is number | null | undefined => value == null || Number.isFinite(value);
