/**
 * What version-1 agents send over HTTP (`/api/hosts/{id}/register|poll|status|test-progress`): bash scripts that poll.
 * Types and lengths are those of version 1; values that it refused for their meaning alone (a device type, a colour) are
 * accepted here and checked later. Only the answers in `V1_ANSWERS` are sent: these agents exit on anything that is not JSON.
 */
import { z } from 'zod';
import { metricsSchema } from '../agent/metrics';
import { outputLine, plainText } from '@/lib/text/plain-text';

/** The id of a host in the path, before it is converted to lower case. */
export const V1_HOST_ID = /^[a-zA-Z][a-zA-Z0-9-]{0,62}$/;
/** Largest body: 10,000 characters of output, each escaped, and the other fields. */
export const MAX_V1_BODY_BYTES = 256 * 1024;
/** Seconds between two calls of an agent that does not send `poll_interval`. */
const DEFAULT_POLL_INTERVAL_S = 30;

/** Version 1 counted characters, not UTF-16 units. A character has at most two, so a text over twice the limit need not be counted. */
const limited = (max: number) =>
  z
    .string()
    .refine((value) => value.length <= max || (value.length <= 2 * max && Array.from(value).length <= max))
    // For the hash in `revision.ts`: JSON Schema does not show a refinement.
    .meta({ maxCharacters: max });
const text = (max: number) =>
  limited(max)
    .nullish()
    .transform((value) => plainText(value ?? '', 2 * max));
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** `unknown` and an unfilled placeholder count as empty. */
const known = (max: number) => text(max).transform((value) => (/^(?:unknown|@\w+@)$/.test(value) ? '' : value));

export const v1RegisterSchema = z.object({
  hostname: z.string().regex(V1_HOST_ID),
  host_type: z.enum(['nixos', 'macos']),
  location: text(50),
  device_type: text(50),
  theme_color: text(20),
  current_generation: known(64),
  test_status: text(100),
  poll_interval: z
    .number()
    .int()
    .min(1)
    .max(3_600)
    .nullish()
    .transform((value) => value ?? DEFAULT_POLL_INTERVAL_S),
  agent_version: known(20),
  os_version: text(50),
  metrics: metricsSchema.nullish().transform((value) => value ?? null),
});
export type V1Register = z.infer<typeof v1RegisterSchema>;

export const v1StatusSchema = z.object({
  status: z.enum(['ok', 'error', 'unknown']),
  current_generation: known(64),
  /** Split into lines; control characters are replaced. */
  output: limited(10_000)
    .nullish()
    .transform((value) => (value ? value.split('\n').map(outputLine) : [])),
  test_status: text(100),
  comment: text(200),
});
export type V1Status = z.infer<typeof v1StatusSchema>;

export const v1TestProgressSchema = z.object({
  total: count,
  passed: count.nullish().transform((value) => value ?? 0),
  running: z
    .boolean()
    .nullish()
    .transform((value) => value ?? true),
  result: text(1_000),
});
export type V1TestProgress = z.infer<typeof v1TestProgressSchema>;

/** The only command for a version-1 agent: it pulls and switches, which installs the current agent. */
export type V1Command = 'pull-switch';

export const V1_ANSWERS = {
  registered: (hostId: string, command: V1Command | null) => ({ status: 'registered', host_id: hostId, command }),
  polled: (command: V1Command | null) => ({ command }),
  updated: () => ({ status: 'updated' }),
  refused: (detail: string) => ({ detail }),
} as const;
