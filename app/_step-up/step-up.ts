/**
 * Step-up authentication: asks the operator for a new code or the password when an action requires it. `withStepUp()`
 * may be called from anywhere in the browser; `StepUpDialog`, mounted in the shell, asks.
 */
import type { StepUpActionResult } from '@/lib/auth/next/action-result';

/** Texts of the dialog. */
export interface StepUpWords {
  /** For the dialog's title and its button: `Reboot`. */
  label: string;
  /** What will happen, as a sentence. */
  description?: string;
}

export type Answer = StepUpActionResult<unknown>;

export interface StepUpQuestion extends StepUpWords {
  id: number;
  asksFor: 'code' | 'password';
  /** Sends the request with a proof. Rejects when the dashboard does not answer. */
  send: (proof: string) => Promise<Answer>;
  /** Closes the question, with the result of the request, or null when the operator cancelled. */
  done: (answer: Answer | null) => void;
}

let question: StepUpQuestion | null = null;
let nextId = 1;
const listeners = new Set<() => void>();

function show(next: StepUpQuestion | null): void {
  question = next;
  for (const listener of listeners) listener();
}

export const stepUpStore = {
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  get: (): StepUpQuestion | null => question,
};

/** The server-side snapshot: nothing is asked while a page is rendered there. */
export const noQuestion = (): StepUpQuestion | null => null;

/**
 * Sends a request. If it requires a proof (a code or the password), asks for one and sends the request again with it,
 * until it is accepted. Null when the operator cancelled. Rejects when the first request gets no answer. A question that
 * is already open is cancelled.
 */
export async function withStepUp<Value>(
  words: StepUpWords,
  send: (proof?: string) => Promise<StepUpActionResult<Value>>,
): Promise<StepUpActionResult<Value> | null> {
  const first = await send();
  if (first.ok || first.error.kind !== 'step-up-required') return first;
  const { asksFor } = first.error;
  question?.done(null);
  return new Promise((resolve) => {
    let last: StepUpActionResult<Value> | null = null;
    show({
      ...words,
      id: nextId++,
      asksFor,
      send: async (proof) => (last = await send(proof)),
      done: (answer) => {
        show(null);
        resolve(answer === null ? null : last);
      },
    });
  });
}
