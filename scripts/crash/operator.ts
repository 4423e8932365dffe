/** An operator who sends requests while the dashboard is being killed: the server actions of the pages, over HTTP. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const manifestSchema = z.object({
  node: z.record(z.string(), z.object({ filename: z.string(), exportedName: z.string() })),
});
const answerSchema = z.object({
  ok: z.literal(true),
  value: z.array(z.looseObject({ kind: z.string(), hostId: z.string(), commandId: z.string().optional() })),
});

/** Refused before it ran: on a busy machine, too many requests are in progress. */
const NO_ROOM: readonly number[] = [429, 503];

export interface Dispatched {
  hostId: string;
  commandId: string;
}

export interface DispatchInput {
  operation: string;
  hostIds: readonly string[];
  requestId: string;
}

export class Operator {
  private readonly actionId: string;

  constructor(
    private readonly origin: string,
    private readonly cookie: string,
  ) {
    const { node } = manifestSchema.parse(
      JSON.parse(readFileSync('.next/server/server-reference-manifest.json', 'utf8')),
    );
    const found = Object.entries(node).find(([, action]) => action.exportedName === 'dispatchOperation');
    if (!found) throw new Error('the build has no action dispatchOperation');
    this.actionId = found[0];
  }

  /** The commands that the dashboard accepted; empty without a complete answer. */
  async dispatch({ operation, hostIds, requestId }: DispatchInput): Promise<Dispatched[]> {
    let text: string;
    try {
      const response = await fetch(`${this.origin}/`, {
        method: 'POST',
        headers: {
          Cookie: this.cookie,
          Origin: this.origin,
          'Next-Action': this.actionId,
          Accept: 'text/x-component',
          'Content-Type': 'text/plain;charset=UTF-8',
        },
        body: JSON.stringify([{ operation, hostIds, requestId, force: true }]),
      });
      text = await response.text();
      if (NO_ROOM.includes(response.status)) return [];
    } catch {
      // The dashboard was killed before it answered: it promised nothing.
      return [];
    }
    const line = text.split('\n').find((one) => /^1:\{/.test(one));
    if (line === undefined) throw new Error(`unexpected answer of the action: ${text.slice(0, 400)}`);
    const answer = answerSchema.safeParse(JSON.parse(line.slice(2)));
    if (!answer.success) throw new Error(`the action refused: ${line.slice(0, 400)}`);
    return answer.data.value.flatMap(({ kind, hostId, commandId }) =>
      kind === 'accepted' && commandId !== undefined ? [{ hostId, commandId }] : [],
    );
  }
}
