/** The wrapper of every server action: session, schema, typed function, typed result. */
import { unstable_rethrow } from 'next/navigation';
import { z } from 'zod';
import { runtime } from '@/lib/dashboard/runtime';
import type { ActionError, ActionResult, StepUpActionResult, StepUpError } from './action-result';
import { getClientAddress, getSession } from './app-session';
import { mayOf, seesOf } from './permission';
import type { Session } from '../operator/auth-service';
import { MAX_PROOF } from '../operator/step-up';
import { storageRefusal } from './storage-refusal';
import type { Requester } from '@/lib/fleet/records/requests';
import type { Verb } from '@/lib/fleet/may';
import type { Sees } from '@/lib/fleet/visible';

export interface ActionContext {
  session: Session;
  /** The client's address. */
  address: string;
  /** Both, as stored in commands and events. */
  by: Requester;
  /** Which hosts the operator may see. */
  sees: Sees;
}

/** What an operator must be allowed to do in order to run an action. */
export interface Permission<Input> {
  verb: Verb | ((input: Input) => Verb | readonly Verb[]);
  /** Ids of the hosts that it concerns, each of which is asked about; without this, it concerns no single host. */
  hosts?: (input: Input) => readonly string[] | Promise<readonly string[]>;
}

export interface StepUpContext extends ActionContext {
  /** True when this request carried a correct step-up proof; false when it needed none. */
  stepUp: boolean;
}

/** An action without a session (set-up): schema, typed function, typed result. */
export function publicAction<Schema extends z.ZodType, Value>(
  schema: Schema,
  handler: (input: z.output<Schema>, context: { address: string }) => Value | Promise<Value>,
): (input: z.input<Schema>) => Promise<ActionResult<Value>> {
  return async (input) => guarded(async () => answer(schema, input, handler, { address: await getClientAddress() }));
}

/**
 * An action for a signed-in operator who may do this. Looks the session up each time, so a revoked one has no effect.
 */
export function operatorAction<Schema extends z.ZodType, Value>(
  permission: Permission<z.output<Schema>>,
  schema: Schema,
  handler: (input: z.output<Schema>, context: ActionContext) => Value | Promise<Value>,
): (input: z.input<Schema>) => Promise<ActionResult<Value>> {
  return async (input) =>
    guarded(async () => {
      const context = await operatorContext();
      if (context === null) return SIGNED_OUT;
      const parsed = parse(schema, input);
      if (!parsed.ok) return parsed;
      const denied = await denial(permission, parsed.value, context);
      return denied ?? { ok: true, value: await handler(parsed.value, context) };
    });
}

export interface StepUpRule<Input> {
  /** What the proof is for, as shown in the activity: `Reboot of h1`. Must hold no secret. */
  purpose: (input: Input) => string;
  /** False when this input needs no proof; without this rule, every input does. */
  needed?: (input: Input, context: ActionContext) => boolean | Promise<boolean>;
  /** A problem independent of the proof. Checked before a proof is requested, and again before one is used up. */
  check?: (input: Input, context: ActionContext) => StepUpError | null | Promise<StepUpError | null>;
}

const proofSchema = z.string().max(MAX_PROOF).optional();

/**
 * An action that requires a step-up proof: a code, or the password when no second factor is set up. Without one it does
 * nothing and answers `step-up-required`; the browser asks (`withStepUp`) and sends the same input again with the
 * proof. One proof is valid for one request. The input is checked first, so a bad input does not use up a code.
 */
export function stepUpAction<Schema extends z.ZodType, Value>(
  permission: Permission<z.output<Schema>>,
  schema: Schema,
  rule: StepUpRule<z.output<Schema>>,
  handler: (input: z.output<Schema>, context: StepUpContext) => Value | Promise<Value>,
): (input: z.input<Schema>, proof?: string) => Promise<StepUpActionResult<Value>> {
  return async (input, typed) =>
    guarded<Value, StepUpError>(async () => {
      const context = await operatorContext();
      if (context === null) return SIGNED_OUT;
      const parsed = parse(schema, input);
      const proof = parse(proofSchema, typed);
      if (!parsed.ok) return parsed;
      if (!proof.ok) return proof;
      const denied = await denial(permission, parsed.value, context);
      if (denied !== null) return denied;
      const problem = (await rule.check?.(parsed.value, context)) ?? null;
      if (problem !== null) return { ok: false, error: problem };
      const stepUp = (await rule.needed?.(parsed.value, context)) ?? true;
      const refused = stepUp ? await refusal(context, rule.purpose(parsed.value), proof.value) : null;
      if (refused !== null) return { ok: false, error: refused };
      return { ok: true, value: await handler(parsed.value, { ...context, stepUp }) };
    });
}

async function refusal(
  { session, address }: ActionContext,
  purpose: string,
  proof: string | undefined,
): Promise<StepUpError | null> {
  const { auth } = runtime();
  const asksFor = await auth.stepUpAsksFor(session.userId);
  if (proof === undefined || proof === '') return { kind: 'step-up-required', asksFor };
  const result = await auth.stepUp({ session, proof, purpose, address });
  switch (result.kind) {
    case 'proven':
      return null;
    case 'refused':
      return { kind: 'step-up-refused', asksFor };
    case 'throttled':
      return result;
  }
}

/** Asked after the form of the input, and before anything that depends on what is stored, except for the hosts it concerns. */
async function denial<Input>(
  { verb, hosts }: Permission<Input>,
  input: Input,
  { session }: ActionContext,
): Promise<{ ok: false; error: ActionError } | null> {
  const asked = typeof verb === 'function' ? verb(input) : verb;
  const verbs = typeof asked === 'string' ? [asked] : asked;
  const named = (await hosts?.(input)) ?? [];
  const concerned = named.length === 0 ? [null] : named;
  if (verbs.every((each) => concerned.every((hostId) => mayOf(session, each, hostId)))) return null;
  return { ok: false, error: { kind: 'failed', message: 'You are not allowed to do this.' } };
}

const SIGNED_OUT = { ok: false, error: { kind: 'signed-out' } } as const;

async function operatorContext(): Promise<ActionContext | null> {
  const session = await getSession();
  if (session === null) return null;
  const address = await getClientAddress();
  const by = { userId: session.userId, userName: session.userName, address };
  return { session, address, by, sees: seesOf(session) };
}

function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): ActionResult<z.output<Schema>> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
  return { ok: false, error: { kind: 'invalid', issues } };
}

async function answer<Schema extends z.ZodType, Context, Value>(
  schema: Schema,
  input: unknown,
  handler: (input: z.output<Schema>, context: Context) => Value | Promise<Value>,
  context: Context,
): Promise<ActionResult<Value>> {
  const parsed = parse(schema, input);
  return parsed.ok ? { ok: true, value: await handler(parsed.value, context) } : parsed;
}

type Result<Value, Problem> = { ok: true; value: Value } | { ok: false; error: Problem };

async function guarded<Value, Problem = ActionError>(
  run: () => Promise<Result<Value, Problem>>,
): Promise<Result<Value, Problem | ActionError>> {
  try {
    return await run();
  } catch (error) {
    // redirect() and notFound() are thrown.
    unstable_rethrow(error);
    runtime().log.error({ err: error }, 'an action failed');
    return {
      ok: false,
      error: {
        kind: 'failed',
        message: storageRefusal(error) ?? 'The dashboard could not do this. Try again; the reason is in its log.',
      },
    };
  }
}
