/**
 * The wire protocol between agents and the dashboard: `docs/protocol.md`. Two generations share one envelope:
 * the Go agent (protocol 2: no ids, nothing is repeated) and this project's agent (protocol 3: commands have ids,
 * output is numbered, results and output are kept until acknowledged). Extra fields are ignored on either side.
 */
import { z } from 'zod';
import {
  agentFrameExcess,
  isServerFrameTooComplex,
  MAX_BATCH_LINES,
  MAX_FINISHED_IDS,
  MAX_FRAME_BYTES,
  MAX_PROGRESS_PHASES,
  MAX_UNKNOWN_FRAME_BYTES,
  tooLarge,
} from './agent-limits';
import { boundedArray, boundedEntries } from './bounded';
import { MAX_TEXT, outputLine, plainName, plainText } from '@/lib/text/plain-text';

/** The generation of the protocol in which commands have ids and output is acknowledged. */
export const PROTOCOL_WITH_IDS = 3;
/** Seconds between heartbeats where an agent does not say. */
export const DEFAULT_HEARTBEAT_INTERVAL_S = 5;

/** A text field: absent, null and empty are one thing (''), and what is there is made harmless. */
const text = (max: number = MAX_TEXT) =>
  z
    .string()
    .nullish()
    .transform((value) => plainText(value ?? '', max));

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const commandId = z.string().regex(/^[0-9A-Za-z-]{1,64}$/);

const percent = z.number().nullish();
/** CPU, memory and swap in percent, load as the one-minute average. Version-1 agents sent load as a string. */
export const metricsSchema = z
  .object({
    cpu: percent,
    ram: percent,
    swap: percent,
    load: z
      .union([
        z.number(),
        z.string().transform((value) => (value.trim() === '' ? null : Number(value.replace(',', '.')))),
      ])
      .nullish()
      .transform((value) => (typeof value === 'number' && Number.isFinite(value) ? value : null)),
  })
  .transform((m) => ({ cpu: m.cpu ?? null, ram: m.ram ?? null, swap: m.swap ?? null, load: m.load }));

const compartmentWordSchema = z
  .object({ status: text(32), message: text(1_024), checked_at: text(64) })
  .nullish()
  .transform((value) => value ?? { status: '', message: '', checked_at: '' });

const updateStatusSchema = z
  .object({
    git: compartmentWordSchema,
    lock: compartmentWordSchema,
    system: compartmentWordSchema,
    tests: compartmentWordSchema,
  })
  .nullish()
  .transform((value) => value ?? null);

const registerSchema = z.object({
  hostname: z
    .string()
    .nullish()
    .transform((value) => plainName(value ?? '', 256)),
  host_type: text(32),
  agent_version: text(64),
  os_version: text(64),
  nixpkgs_version: text(128),
  generation: text(128),
  theme_color: text(32),
  heartbeat_interval: z
    .number()
    .nullish()
    .transform((value) =>
      value !== null && value !== undefined && Number.isFinite(value) && value >= 1 && value <= 3600
        ? value
        : DEFAULT_HEARTBEAT_INTERVAL_S,
    ),
  location: text(64),
  device_type: text(64),
  repo_url: text(1_024),
  repo_dir: text(1_024),
  source_commit: text(128),
  store_path: text(1_024),
  binary_hash: text(128),
  /** Protocol 3 and later; absent in every Go agent. */
  protocol: z
    .number()
    .int()
    .nullish()
    .transform((value) => value ?? 2),
  /** Protocol 3: a new value at each start of the agent process. */
  instance: text(64),
  /** Protocol 3: the command that this agent is running now. */
  running: z
    .object({ command_id: commandId, command: text(32), pid: count.nullish() })
    .nullish()
    .transform((value) => value ?? null),
  /** Protocol 3: commands whose result the agent keeps because it was not acknowledged yet. */
  finished: boundedArray(commandId, { max: MAX_FINISHED_IDS })
    .nullish()
    .transform((value) => value ?? []),
});

const heartbeatSchema = z.object({
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

const streamSchema = z
  .string()
  .nullish()
  .transform((value): OutputStream => (value === 'stderr' ? 'stderr' : 'stdout'));

const outputSchema = z.object({
  line: z
    .string()
    .nullish()
    .transform((value) => outputLine(value ?? '')),
  stream: streamSchema,
});

/** Protocol 3: numbered lines of one command, first number 1, no gaps, at most 500 a frame. */
const outputBatchSchema = z.object({
  command_id: commandId,
  lines: boundedArray(
    z.object({
      seq: count.min(1),
      stream: streamSchema,
      line: z.string().transform((value) => outputLine(value)),
    }),
    { min: 1, max: MAX_BATCH_LINES },
  ),
});

const statusSchema = z.object({
  status: z.enum(['ok', 'error', 'stopped', 'warning']),
  command: text(64),
  exit_code: z
    .number()
    .int()
    .nullish()
    .transform((value) => value ?? null),
  message: text(2_048),
  generation: text(128),
  /** Protocol 3. */
  command_id: commandId.nullish().transform((value) => value ?? null),
  /** Protocol 3: the agent process ends after this result and comes back as a new one. */
  restarting: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
  /** Protocol 3: the number of the last output line of this command. */
  last_seq: count.nullish().transform((value) => value ?? null),
});

/** Protocol 3: the command was started (or, for `pid` null, taken up). */
const startedSchema = z.object({ command_id: commandId, pid: count.nullish().transform((value) => value ?? null) });

const progressPhaseSchema = z.object({
  current: count.nullish().transform((value) => value ?? 0),
  total: count.nullish().transform((value) => value ?? 0),
  status: text(32),
});

const progressSchema = z.object({
  progress: boundedEntries(MAX_PROGRESS_PHASES, 'phases').pipe(
    z.record(z.string().max(32), progressPhaseSchema.nullish().catch(null)),
  ),
});

const rejectedSchema = z.object({
  reason: text(512),
  current_command: text(64),
  current_pid: count.nullish().transform((value) => value ?? null),
  /** Protocol 3: the id of the command that was refused. */
  command_id: commandId.nullish().transform((value) => value ?? null),
  /** Protocol 3: the id of the command that is running instead. */
  current_command_id: commandId.nullish().transform((value) => value ?? null),
});

const frameSchemas = {
  register: registerSchema,
  heartbeat: heartbeatSchema,
  output: outputSchema,
  output_batch: outputBatchSchema,
  status: statusSchema,
  started: startedSchema,
  operation_progress: progressSchema,
  command_rejected: rejectedSchema,
} as const;

export type OutputStream = 'stdout' | 'stderr';
export type AgentFrameType = keyof typeof frameSchemas;
/** A parsed frame from an agent: every field is there, and every text is harmless. */
export type AgentFrame = {
  [T in AgentFrameType]: { type: T; payload: z.infer<(typeof frameSchemas)[T]> };
}[AgentFrameType];
export type Register = z.infer<typeof registerSchema>;
export type Heartbeat = z.infer<typeof heartbeatSchema>;
export type Metrics = z.infer<typeof metricsSchema>;
export type StatusResult = z.infer<typeof statusSchema>;
/** What an agent puts on the wire for a frame, before parsing. */
export type AgentFrameInput = {
  [T in AgentFrameType]: { type: T; payload: z.input<(typeof frameSchemas)[T]> };
}[AgentFrameType];

export type ParsedAgentFrame =
  { kind: 'frame'; frame: AgentFrame } | { kind: 'unknown'; type: string } | { kind: 'malformed'; problem: string };

const envelopeSchema = z.object({ type: z.string(), payload: z.unknown().optional() });

/**
 * Parses one text frame of an agent, as the bytes that came (UTF-8) or as text. Never throws. The problem is a sentence
 * without any of the frame's content but names; which bounds are looked at, and when, is in `agent-limits.ts`.
 */
export function parseAgentFrame(data: Buffer | string): ParsedAgentFrame {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const excess = agentFrameExcess(bytes);
  if (excess !== null) return { kind: 'malformed', problem: excess };
  const text = typeof data === 'string' ? data : data.toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { kind: 'malformed', problem: `the frame (${text.length} characters) is not JSON` };
  }
  const envelope = envelopeSchema.safeParse(json);
  if (!envelope.success)
    return { kind: 'malformed', problem: 'the frame is not an object with a "type" and a "payload"' };
  const { type } = envelope.data;
  const known = isFrameType(type);
  const maxBytes = known ? MAX_FRAME_BYTES[type] : MAX_UNKNOWN_FRAME_BYTES;
  if (bytes.length > maxBytes) {
    const subject = known ? `a frame of type ${type}` : 'a frame of an unknown type';
    return { kind: 'malformed', problem: tooLarge(subject, bytes.length, maxBytes) };
  }
  if (!known) return { kind: 'unknown', type: plainText(type, 64) };
  const payload = frameSchemas[type].safeParse(envelope.data.payload ?? {});
  if (!payload.success) return { kind: 'malformed', problem: `${type}: ${describeIssue(payload.error.issues[0])}` };
  // The schema was looked up by this very type, so the pair is right.
  return { kind: 'frame', frame: { type, payload: payload.data } as AgentFrame };
}

function isFrameType(type: string): type is AgentFrameType {
  return Object.hasOwn(frameSchemas, type);
}

function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  if (!issue) return 'not readable';
  const path = plainText(issue.path.map(String).join('.'), 128);
  return path === '' ? plainText(issue.message, 200) : `field "${path}": ${plainText(issue.message, 200)}`;
}

/** Every command name that the Go agent knows, exactly as on the wire. Nothing else may ever be sent. */
export const WIRE_COMMANDS = [
  'pull',
  'switch',
  'pull-switch',
  'test',
  'rollback',
  'update',
  'refresh-git',
  'refresh-lock',
  'refresh-system',
  'refresh-all',
  'force-update',
  'check-version',
  'stop',
  'restart',
  'reboot',
] as const;
export type WireCommand = (typeof WIRE_COMMANDS)[number];

/** Dashboard to agent. The fields marked 3 are only sent to an agent that said `protocol: 3`. */
export type ServerFrame =
  | { type: 'registered'; payload: { host_id: string; protocol?: 3; server_time?: string } }
  | { type: 'command'; payload: { command: WireCommand; id?: string; target?: string } }
  | { type: 'kill_command'; payload: { signal: 'SIGTERM' | 'SIGKILL'; pid: number } }
  /** 3: output up to and with `output_seq`, and/or the result, of this command is stored; the agent may forget it. */
  | { type: 'ack'; payload: { command_id: string; output_seq?: number; result?: true } };

/** What an agent parses of the server's frames. Unknown types and fields are ignored. */
export const serverFrameSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('registered'),
    payload: z.object({
      host_id: z.string().optional(),
      protocol: z.number().optional(),
      server_time: z.string().optional(),
    }),
  }),
  z.object({
    type: z.literal('command'),
    payload: z.object({ command: z.string().max(64), id: commandId.optional(), target: commandId.optional() }),
  }),
  z.object({
    type: z.literal('kill_command'),
    payload: z.object({ signal: z.string().max(16), pid: z.number().int().min(0).optional() }),
  }),
  z.object({
    type: z.literal('ack'),
    payload: z.object({ command_id: commandId, output_seq: count.optional(), result: z.literal(true).optional() }),
  }),
]);
export type ReceivedServerFrame = z.infer<typeof serverFrameSchema>;

/**
 * Parses one text frame of the dashboard, as an agent gets it. Never throws. The problem is for the agent's log; a type
 * or field that is unknown is a newer dashboard's business.
 */
export function parseServerFrame(
  data: Buffer,
): { kind: 'frame'; frame: ReceivedServerFrame } | { kind: 'malformed' | 'unknown'; problem: string } {
  if (isServerFrameTooComplex(data))
    return { kind: 'malformed', problem: `a frame of ${data.length} bytes nests too deep or holds too many values` };
  let json: unknown;
  try {
    json = JSON.parse(data.toString('utf8'));
  } catch {
    return { kind: 'malformed', problem: `a frame of ${data.length} bytes is not JSON` };
  }
  const parsed = serverFrameSchema.safeParse(json);
  if (!parsed.success)
    return { kind: 'unknown', problem: `a frame was not understood: ${describeIssue(parsed.error.issues[0])}` };
  return { kind: 'frame', frame: parsed.data };
}
