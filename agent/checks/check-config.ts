/**
 * The checks that a system declares of itself. Its module writes them to a file of the system, so that a switch is judged
 * by the checks of the system that it activates, whichever agent runs.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MAX_CHECKS } from '@/lib/protocol/agent/frame-limits';

/** Below the link of the running system. */
const CHECKS_FILE = 'etc/nixfleet-agent/checks.json';
/** Two checks are always there: units, and the tests of the repository. */
const MAX_DECLARED = MAX_CHECKS - 2;

/** Names of the checks that are always there. */
const RESERVED: ReadonlySet<string> = new Set(['units', 'tests']);
const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/;

const timing = {
  name: z.string().regex(NAME),
  /** Seconds between two attempts. */
  interval: z.number().min(1).max(300).default(5),
  /** Seconds that an attempt may take. */
  timeout: z.number().min(1).max(300).default(10),
  /** Attempts until it counts as failed. */
  tries: z.number().int().min(1).max(100).default(6),
  /** Whether its failure takes a switch back. */
  enforced: z.boolean().default(true),
};

const declaredSchema = z.discriminatedUnion('kind', [
  /** The URL answers with that status. Redirects are not followed. */
  z.strictObject({
    kind: z.literal('http'),
    ...timing,
    url: z.url({ protocol: /^https?$/ }).max(2_000),
    status: z.number().int().min(100).max(599).default(200),
  }),
  /** The port accepts connections. */
  z.strictObject({
    kind: z.literal('tcp'),
    ...timing,
    host: z.string().min(1).max(253).default('127.0.0.1'),
    port: z.number().int().min(1).max(65_535),
  }),
  /** The program ends with 0. It runs as the agent's user, without a shell. */
  z.strictObject({ kind: z.literal('command'), ...timing, command: z.array(z.string().max(4_096)).min(1).max(100) }),
]);
export type DeclaredCheck = z.output<typeof declaredSchema>;

const configSchema = z.strictObject({
  units: z
    .strictObject({
      enforced: z.boolean().default(true),
      /** Names of units whose failure counts for nothing; `*` stands for any characters. */
      ignore: z.array(z.string().min(1).max(256)).max(200).default([]),
      /** Seconds that units are watched for after the activation. */
      settle: z.number().min(0).max(600).default(5),
    })
    .prefault({}),
  /** The test scripts of the configuration repository. */
  tests: z.enum(['observe', 'enforce', 'off']).default('observe'),
  checks: z
    .array(declaredSchema)
    .max(MAX_DECLARED)
    .default([])
    .refine((checks) => new Set(checks.map(({ name }) => name)).size === checks.length, 'two checks have one name')
    .refine((checks) => checks.every(({ name }) => !RESERVED.has(name)), 'the names units and tests are taken'),
});
export type CheckConfig = z.output<typeof configSchema>;

const DEFAULT_CONFIG: CheckConfig = configSchema.parse({});

/** Without a file, the defaults. `problem`: a file that can't be used, as a sentence. */
export function readCheckConfig(systemLink: string): { config: CheckConfig; problem: string | null } {
  const path = join(systemLink, CHECKS_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return { config: DEFAULT_CONFIG, problem: null };
  }
  const { config, problem } = parseCheckConfig(text);
  return { config, problem: problem === null ? null : `${path} ${problem}` };
}

/** `problem`: a clause that follows the name of the file. */
export function parseCheckConfig(text: string): { config: CheckConfig; problem: string | null } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { config: DEFAULT_CONFIG, problem: 'is not JSON' };
  }
  const parsed = configSchema.safeParse(json);
  if (parsed.success) return { config: parsed.data, problem: null };
  const [issue] = parsed.error.issues;
  const place = issue === undefined ? '' : issue.path.join('.');
  return { config: DEFAULT_CONFIG, problem: `has a mistake at ${place || 'the top level'}: ${issue?.message ?? ''}` };
}
