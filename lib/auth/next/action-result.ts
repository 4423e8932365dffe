/** The result of a server action: plain data that is sent to the browser. */

export interface InputIssue {
  /** Which field, in dotted form; empty for the whole input. */
  path: string;
  message: string;
}

export type ActionError =
  /** The session ended: the page should send the operator to sign in. */
  | { kind: 'signed-out' }
  | { kind: 'invalid'; issues: InputIssue[] }
  /** An unexpected error. The message is for the operator; the cause is in the log. */
  | { kind: 'failed'; message: string };

export type ActionResult<Value> = { ok: true; value: Value } | { ok: false; error: ActionError };

/** Additional errors of an action that may require a step-up proof. */
export type StepUpError =
  | ActionError
  /** Nothing was done: ask for `asksFor` and send the same request with it. */
  | { kind: 'step-up-required'; asksFor: 'code' | 'password' }
  /** Wrong or already used. */
  | { kind: 'step-up-refused'; asksFor: 'code' | 'password' }
  | { kind: 'throttled'; retryAfterMs: number };

export type StepUpActionResult<Value> = { ok: true; value: Value } | { ok: false; error: StepUpError };
