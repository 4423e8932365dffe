import { z } from 'zod';
import { plainName } from '@/lib/text/plain-text';
import { boundedArray } from '../bounded';
import { commandId, nameList, text } from './fields';
import { MAX_FINISHED_IDS, MAX_NAMES } from './frame-limits';

/** Seconds between the heartbeats of an agent that does not send a valid `heartbeat_interval`. */
const DEFAULT_HEARTBEAT_INTERVAL_S = 5;

/** The first frame of a connection: which host it is, and what the agent is running. */
export const registerSchema = z.object({
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
    .object({ command_id: commandId })
    .nullish()
    .transform((value) => value ?? null),
  /** Protocol 3: commands whose results are not acknowledged yet. The agent keeps and sends them again. */
  finished: boundedArray(commandId, { max: MAX_FINISHED_IDS })
    .nullish()
    .transform((value) => value ?? []),
  /** This dashboard, or another one, runs on the same machine: an older system would meet its newer database. */
  hosts_dashboard: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
  /** What this agent can do (`capabilities.ts`), unknown names included. Null: it names none, as do all agents up to 4.0.0. */
  capabilities: nameList({ pattern: /^[a-z0-9-]{1,40}$/, max: MAX_NAMES }),
});
export type Register = z.infer<typeof registerSchema>;
