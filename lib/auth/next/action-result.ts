/** What a server action answers. Plain data: it crosses to the browser. */

export interface InputIssue {
  /** Which field, in dotted form; empty for the whole input. */
  path: string;
  message: string;
}

export type ActionError =
  /** The session ended: the page should send the operator to sign in. */
  | { kind: 'signed-out' }
  | { kind: 'invalid'; issues: InputIssue[] }
  /** Something unexpected. The sentence is for the operator; the cause is in the log. */
  | { kind: 'failed'; message: string };

export type ActionResult<Value> = { ok: true; value: Value } | { ok: false; error: ActionError };

/** What an action that may ask for a fresh proof of who asks answers besides. */
export type StepUpError =
  | ActionError
  /** Nothing was done: ask for what is named here and send the same request with it. */
  | { kind: 'step-up-required'; asksFor: 'code' | 'password' }
  /** Wrong, or used before. */
  | { kind: 'step-up-refused'; asksFor: 'code' | 'password' }
  | { kind: 'throttled'; retryAfterMs: number };

export type StepUpActionResult<Value> = { ok: true; value: Value } | { ok: false; error: StepUpError };
