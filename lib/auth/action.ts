/** The one way into every server action: session, schema, typed function, typed result. */
import { unstable_rethrow } from 'next/navigation';
import type { z } from 'zod';
import { runtime } from '@/lib/runtime';
import type { ActionResult } from './action-result';
import { getClientAddress, getSession } from './app-session';
import type { Session } from './service';

export interface ActionContext {
  session: Session;
  /** The client's address. */
  address: string;
}

/** An action for everybody who reaches the page (set-up): schema, typed function, typed result. */
export function publicAction<Schema extends z.ZodType, Value>(
  schema: Schema,
  handler: (input: z.output<Schema>, context: { address: string }) => Value | Promise<Value>,
): (input: z.input<Schema>) => Promise<ActionResult<Value>> {
  return async (input) => guarded(async () => answer(schema, input, handler, { address: await getClientAddress() }));
}

/** An action for a signed-in operator. Looks the session up each time: what was revoked does nothing. */
export function operatorAction<Schema extends z.ZodType, Value>(
  schema: Schema,
  handler: (input: z.output<Schema>, context: ActionContext) => Value | Promise<Value>,
): (input: z.input<Schema>) => Promise<ActionResult<Value>> {
  return async (input) =>
    guarded(async () => {
      const session = await getSession();
      if (session === null) return { ok: false, error: { kind: 'signed-out' } };
      return answer(schema, input, handler, { session, address: await getClientAddress() });
    });
}

async function answer<Schema extends z.ZodType, Context, Value>(
  schema: Schema,
  input: unknown,
  handler: (input: z.output<Schema>, context: Context) => Value | Promise<Value>,
  context: Context,
): Promise<ActionResult<Value>> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
    return { ok: false, error: { kind: 'invalid', issues } };
  }
  return { ok: true, value: await handler(parsed.data, context) };
}

async function guarded<Value>(run: () => Promise<ActionResult<Value>>): Promise<ActionResult<Value>> {
  try {
    return await run();
  } catch (error) {
    // redirect() and notFound() travel as errors.
    unstable_rethrow(error);
    runtime().log.error({ err: error }, 'an action failed');
    return {
      ok: false,
      error: { kind: 'failed', message: 'The dashboard could not do this. Its log says why; try again.' },
    };
  }
}
