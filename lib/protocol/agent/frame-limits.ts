/**
 * Limits on the size and complexity of frames. They are checked in the order of their cost, the cheapest first: bytes,
 * depth and number of values before the parser runs, the size for the type of frame after it, and lengths before
 * elements in the schema.
 */
import { jsonExcess, type JsonLimits } from '../json-limits';

/** Largest frame accepted from an agent, in bytes. The Go agent's largest is about 400 KiB. */
export const MAX_AGENT_FRAME_BYTES = 1024 * 1024;
/** Lines of one `output_batch`. */
export const MAX_BATCH_LINES = 500;
/** Ids in the field `finished` of `register`. */
export const MAX_FINISHED_IDS = 256;
/** Names in `capabilities` of `register` and in `accepts` of `registered`. */
export const MAX_NAMES = 64;
/** Checks of a confirmed switch. */
export const MAX_CHECKS = 32;
/** Windows, branches and signers that a policy may have. */
export const MAX_POLICY_WINDOWS = 32;
export const MAX_POLICY_BRANCHES = 16;
export const MAX_POLICY_SIGNERS = 32;
/** Phases of one `operation_progress`. The Go agent knows four and sends one per frame. */
export const MAX_PROGRESS_PHASES = 16;

/** A batch of 500 lines has 2,007 values in 5 levels; the rest is left for fields of newer agents. */
const AGENT_JSON_LIMITS: JsonLimits = { maxDepth: 16, maxValues: 4_096 };
/** The dashboard's largest frame has 8 values in 2 levels. */
const SERVER_JSON_LIMITS: JsonLimits = { maxDepth: 16, maxValues: 256 };

const KIB = 1024;
/**
 * Maximum size of a frame in bytes, by type. A character takes at most six bytes (`\u00xx`): a line of 64 Ki such characters is
 * 384 KiB. Every text field of `register` at its bound is 26 KiB, its ids 17 KiB and its capabilities 3 KiB;
 * `heartbeat` is 38 KiB, `status` 14 KiB, `system_generations` 92 KiB and `confirmation` 114 KiB; the rest is left for
 * longer texts, which are cut, and for unknown fields.
 */
export const MAX_FRAME_BYTES = {
  register: 64 * KIB,
  heartbeat: 64 * KIB,
  output: 392 * KIB,
  output_batch: MAX_AGENT_FRAME_BYTES,
  status: 64 * KIB,
  started: 4 * KIB,
  operation_progress: 32 * KIB,
  confirmation: 128 * KIB,
  command_rejected: 16 * KIB,
  host_policy: 96 * KIB,
  system_generations: 128 * KIB,
} as const;
/** Maximum size in bytes of a frame of an unknown type, which a newer agent may send. */
export const MAX_UNKNOWN_FRAME_BYTES = 64 * KIB;

/** Which limit an agent's frame exceeds before it is parsed, as a clause; null when it may be parsed. */
export function agentFrameExcess(frame: Buffer): string | null {
  // The socket refuses larger frames, but other callers have no socket.
  if (frame.length > MAX_AGENT_FRAME_BYTES) return tooLarge('the frame', frame.length, MAX_AGENT_FRAME_BYTES);
  switch (jsonExcess(frame, AGENT_JSON_LIMITS)) {
    case 'too-deep':
      return `the frame is nested deeper than ${AGENT_JSON_LIMITS.maxDepth} levels`;
    case 'too-many-values':
      return `the frame contains more than ${AGENT_JSON_LIMITS.maxValues} values`;
    case null:
      return null;
  }
}

/** True when a frame of the dashboard is too complex for an agent to parse. */
export function isServerFrameTooComplex(frame: Buffer): boolean {
  return jsonExcess(frame, SERVER_JSON_LIMITS) !== null;
}

/** A clause: `subject` is larger than `maxBytes`. */
export function tooLarge(subject: string, bytes: number, maxBytes: number): string {
  return `${subject} has ${bytes} bytes, more than the limit of ${maxBytes}`;
}
