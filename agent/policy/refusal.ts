/** Why this host refuses a command: the rule, and a clause for people. */
import type { RefusedReason } from '@/lib/protocol/agent/host-policy';
import { error, type OperationEnd } from '../operation';

export interface Refusal {
  reason: RefusedReason;
  /** A clause, such as "the commit 3c9a808 is not signed by an accepted signer". */
  text: string;
}

/** EX_NOPERM of sysexits(3). */
export const EXIT_REFUSED = 77;

export const refusalMessage = ({ text }: Refusal): string => `Refused by the host: ${text}`;

/** The end of an operation that was refused after it had begun. */
export const refusedEnd = (refusal: Refusal): OperationEnd => ({
  ...error(EXIT_REFUSED, refusalMessage(refusal)),
  refusal: refusal.reason,
});
