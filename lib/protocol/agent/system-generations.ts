/**
 * The generations of the system profile of a NixOS host. An agent that names the capability `generations` sends them when
 * they change, and at each connection.
 */
import { z } from 'zod';
import { boundedArray } from '../bounded';
import { count, text } from './fields';

/** Generations of one frame: the newest ones, and the boot default. */
export const MAX_SYSTEM_GENERATIONS = 64;
/** Nine digits, as nixfleet-root and Nix's own links allow. */
export const MAX_GENERATION = 999_999_999;
/** The last moment that a date can hold, in milliseconds since 1970. */
const MAX_TIME_MS = 8.64e15;

/** Lengths of the text fields, in UTF-16 units. A revision is up to 64 digits, and `-dirty`. */
export const SYSTEM_GENERATION_TEXT = { nixos_version: 64, kernel_version: 64, configuration_revision: 80 } as const;

/** The number of a generation. */
export const generationNumber = z.number().int().min(1).max(MAX_GENERATION);

const mark = z
  .boolean()
  .nullish()
  .transform((value) => value === true);

export const systemGenerationsSchema = z.object({
  generations: boundedArray(
    z.object({
      number: generationNumber,
      /** When it was made, by the host's clock; milliseconds since 1970. */
      created_at: z.number().int().min(0).max(MAX_TIME_MS),
      nixos_version: text(SYSTEM_GENERATION_TEXT.nixos_version),
      kernel_version: text(SYSTEM_GENERATION_TEXT.kernel_version),
      /** The commit of the configuration; empty where the configuration does not set it. */
      configuration_revision: text(SYSTEM_GENERATION_TEXT.configuration_revision),
      /** Its system runs. Several generations may have the same system. */
      runs: mark,
      /** The profile points at it: the next boot starts it. */
      next_boot: mark,
      /** Its system was started at the last boot. */
      booted: mark,
    }),
    { max: MAX_SYSTEM_GENERATIONS },
  ),
  /** How many the profile has, those that are left out included. */
  total: count,
});
export type SystemGenerationsReport = z.infer<typeof systemGenerationsSchema>;

/** The number of a generation in a command's arguments; null for anything else. */
export function generationIn(args: Readonly<Record<string, unknown>> | null): number | null {
  const parsed = generationNumber.safeParse(args?.['generation']);
  return parsed.success ? parsed.data : null;
}
