import { z } from 'zod';
import { WEEK_DAYS } from '@/lib/hours/hours';
import { POLICY_OPERATIONS } from '../../agent/host-policy';

/** What a host accepts, as its agent reported it last. It is set on the host, and only the agent judges by it. */
export const policyViewSchema = z.object({
  /** `none`: no policy, everything is accepted. `unreadable`: what changes the host is refused. */
  state: z.enum(['none', 'set', 'unreadable']),
  /** The file on the host that it comes from. */
  source: z.string(),
  /** What is wrong with the file, as a clause; empty unless it is unreadable. */
  problem: z.string(),
  /** Null: all. */
  operations: z.array(z.enum(POLICY_OPERATIONS)).nullable(),
  /** Null: always. Times are minutes since midnight. */
  hours: z
    .object({
      zone: z.string(),
      windows: z.array(z.object({ days: z.array(z.enum(WEEK_DAYS)), from: z.number(), to: z.number() })),
    })
    .nullable(),
  /** Null: any. */
  branches: z.array(z.string()).nullable(),
  /** Null: no signature is needed. */
  signers: z.array(z.object({ name: z.string(), key: z.string() })).nullable(),
  /** Signers that are not in the list. */
  moreSigners: z.number(),
  /** Empty: any. */
  oldestCommit: z.string(),
  confirmed: z.boolean(),
});
export type PolicyView = z.infer<typeof policyViewSchema>;
