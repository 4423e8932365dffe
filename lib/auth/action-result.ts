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
