/**
 * What a host accepts from a dashboard, as its configuration says: an agent with the capability `policy` reports it when
 * it connects and when it changes. The agent alone judges by it; a dashboard only shows it.
 */
import { z } from 'zod';
import { DAY_MINUTES, WEEK_DAYS } from '@/lib/hours/hours';
import { boundedArray } from '../bounded';
import { count, text } from './fields';
import { MAX_POLICY_BRANCHES, MAX_POLICY_SIGNERS, MAX_POLICY_WINDOWS } from './frame-limits';

/** What a policy can refuse. Everything else only reads, or stops what runs, and is always accepted. */
export const POLICY_OPERATIONS = [
  'pull',
  'switch',
  'pull-switch',
  'boot',
  'test',
  'rollback',
  'switch-generation',
  'update',
  'force-update',
  'restart',
  'reboot',
  'kill',
] as const;
export type PolicyOperation = (typeof POLICY_OPERATIONS)[number];

/** Why a host refused a command. A released one never changes its meaning. */
export const REFUSED_REASONS = [
  /** The policy does not list the operation. */
  'operation',
  /** Outside the hours. */
  'hours',
  /** The commit is on none of the branches. */
  'branch',
  /** The commit is not signed by an accepted signer. */
  'signature',
  /** The commit is neither the oldest one nor a descendant of it. */
  'oldest-commit',
  /** What would be built is not a commit: the clone has changes, or the operation makes some. */
  'dirty',
  /** It is not a confirmed switch. */
  'not-confirmed',
  /** The system to go back to has a policy that accepts more. */
  'looser-policy',
  /** The file of the policy can't be used. */
  'policy-unreadable',
] as const;
export type RefusedReason = (typeof REFUSED_REASONS)[number];

/** Lengths of the text fields, in UTF-16 units. */
export const POLICY_TEXT = {
  source: 512,
  problem: 512,
  branch: 200,
  name: 200,
  key: 128,
  zone: 64,
  commit: 64,
} as const;

const minutes = z.number().int().min(0).max(DAY_MINUTES);

export const hostPolicySchema = z.object({
  /** `none`: no file, everything is accepted. `unreadable`: what changes the host is refused. */
  state: z.enum(['none', 'set', 'unreadable']),
  /** The file that it comes from. */
  source: text(POLICY_TEXT.source),
  /** What is wrong with the file, as a clause; empty unless it is unreadable. */
  problem: text(POLICY_TEXT.problem),
  /** Null: all. What a newer agent may name is left out. */
  operations: boundedArray(z.string().max(64), { max: 64 })
    .nullish()
    .transform((names) => (names ? POLICY_OPERATIONS.filter((operation) => names.includes(operation)) : null)),
  /** Null: always. The zone may be one that the dashboard does not know. */
  hours: z
    .object({
      zone: text(POLICY_TEXT.zone),
      windows: boundedArray(
        z.object({ days: boundedArray(z.enum(WEEK_DAYS), { min: 1, max: 7 }), from: minutes, to: minutes }),
        { max: MAX_POLICY_WINDOWS },
      ),
    })
    .nullish()
    .transform((hours) => hours ?? null),
  /** The commit has to be on one of these branches. Null: on any. */
  branches: boundedArray(text(POLICY_TEXT.branch), { max: MAX_POLICY_BRANCHES })
    .nullish()
    .transform((branches) => branches ?? null),
  /** Whose signature the commit has to carry. Null: none. `more_signers`: how many are left out. */
  signers: boundedArray(z.object({ name: text(POLICY_TEXT.name), key: text(POLICY_TEXT.key) }), {
    max: MAX_POLICY_SIGNERS,
  })
    .nullish()
    .transform((signers) => signers ?? null),
  more_signers: count.nullish().transform((value) => value ?? 0),
  /** The commit has to be this one or a descendant; empty: any. */
  oldest_commit: text(POLICY_TEXT.commit),
  /** Whether a switch has to be a confirmed one. */
  confirmed: z
    .boolean()
    .nullish()
    .transform((value) => value === true),
});
export type HostPolicyReport = z.output<typeof hostPolicySchema>;
export type HostPolicyInput = z.input<typeof hostPolicySchema>;
