/**
 * Asks the operator for a fresh proof where an action wants one. `withStepUp()` may be called from anywhere in the
 * browser; `StepUpDialog`, once in the shell, is what asks.
 */
import type { StepUpActionResult } from '@/lib/auth/next/action-result';

/** What is shown beside the field. */
export interface StepUpWords {
  /** As the dialog's title and its button: `Reboot`. */
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
  /** The question is over: with the answer to the request, or null when the operator turned back. */
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

/** Nothing can be asked while the page is rendered on the server. */
export const noQuestion = (): StepUpQuestion | null => null;

/**
 * Sends a request; where it needs a fresh proof, asks for one and sends it again with that, until it is right. Null when
 * the operator turned back. Rejects when the first request gets no answer. A question that is open already gives way.
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
