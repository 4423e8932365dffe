/** One request to a forge: its parsed answer or its fault. Waits required by rate limits are respected. */
import type { z } from 'zod';
import { explainUnexpected, explainStatus, explainTransport, type ForgeNames, type StatusAnswer } from './forge-faults';
import type { ForgeResult } from './forge';
import { TransportFault } from './transport';

/** An answer with a status of 400 or more. Thrown inside the adapters only. */
export class StatusFault extends Error {
  constructor(readonly answer: StatusAnswer) {
    super(`HTTP status ${answer.status}`);
    this.name = 'StatusFault';
  }
}

/** An answer that could not be parsed. Thrown inside the adapters only. */
export class UnexpectedAnswer extends Error {}

export type ForgeQuery = <Value>(
  /** As in "may not <doing>". */
  doing: string,
  schema: z.ZodType<Value>,
  /** Returns the answer's data; throws what `faultOf` recognises. */
  run: () => Promise<unknown>,
) => Promise<ForgeResult<Value>>;

/**
 * `faultOf` maps what the adapter's client throws to the faults known here; anything else is a bug. `now`: the clock, which
 * dates of the forge are compared with. `elapsed`: milliseconds from any start, which setting the clock does not change:
 * waits are measured in it.
 */
export function createForgeQuery(
  names: ForgeNames,
  now: () => number,
  faultOf: (error: unknown) => unknown,
  elapsed: () => number = () => performance.now(),
): ForgeQuery {
  let blockedUntil = 0;
  return async (doing, schema, run) => {
    const rest = blockedUntil - elapsed();
    if (rest > 0) {
      const answer = {
        status: 429,
        header: (name: string) => (name === 'retry-after' ? String(Math.ceil(rest / 1_000)) : null),
        detail: '',
      };
      return { ok: false, fault: explainStatus(answer, doing, names, now()) };
    }
    try {
      const parsed = schema.safeParse(await run());
      if (parsed.success) return { ok: true, value: parsed.data };
      const place = parsed.error.issues[0]?.path.map(String).join('.') ?? '';
      return { ok: false, fault: explainUnexpected(place, names) };
    } catch (thrown) {
      const error = faultOf(thrown);
      if (error instanceof TransportFault) return { ok: false, fault: explainTransport(error, names) };
      if (error instanceof UnexpectedAnswer) return { ok: false, fault: explainUnexpected('', names) };
      if (!(error instanceof StatusFault)) throw thrown;
      const fault = explainStatus(error.answer, doing, names, now());
      if (fault.retryAfterMs !== undefined) blockedUntil = elapsed() + fault.retryAfterMs;
      return { ok: false, fault };
    }
  };
}

/** Most pages of a list that are read. */
export const MAX_PAGES = 10;

/** Whether a `link` header has a next page (RFC 8288). */
export const hasNextPage = (link: string | null | undefined): boolean => /;\s*rel="?next"?/.test(link ?? '');

/** Reads a list page by page, from 1 to its end or to `MAX_PAGES`. */
export async function readPages<Item>(
  read: (page: number) => Promise<ForgeResult<{ items: Item[]; hasNext: boolean }>>,
): Promise<ForgeResult<{ items: Item[]; isComplete: boolean }>> {
  const items: Item[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const answer = await read(page);
    if (!answer.ok) return answer;
    items.push(...answer.value.items);
    if (!answer.value.hasNext) return { ok: true, value: { items, isComplete: true } };
  }
  return { ok: true, value: { items, isComplete: false } };
}

export const isNotFound = (answer: ForgeResult<unknown>): boolean => !answer.ok && answer.fault.kind === 'not-found';
