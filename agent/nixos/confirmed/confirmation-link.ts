/** What a confirmed switch needs of the connection: reports to the dashboard, and its answers on a new connection. */
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { AgentFrameInput } from '@/lib/protocol/agent/from-agent';
import type { confirmSchema } from '@/lib/protocol/agent/confirm';

export type Confirmation = Extract<AgentFrameInput, { type: 'confirmation' }>['payload'];
type Answer = z.output<typeof confirmSchema>;

interface Awaited {
  commandId: string;
  since: number;
  answer: Answer | null;
  onChange: () => void;
}

/** Answers to one switch. An operator's answer counts more than the dashboard's, and the first operator's counts. */
export interface AwaitedAnswer {
  get(): Answer | null;
  end(): void;
}

export interface ConfirmationLink {
  /**
   * The last report is sent again on each new connection, until the switch has ended. One that differs from it in the time
   * alone is not sent: the receiver counts down by itself.
   */
  report(confirmation: Confirmation): void;
  ended(): void;
  /**
   * Waits for answers to a command on connections that were dialled after `since`, by `performance.now()`, and opens such a
   * connection. `onChange` is called for each answer.
   */
  awaitAnswer(commandId: string, since: number, onChange: () => void): AwaitedAnswer;
}

export interface ConfirmationLinkOptions {
  send: (frame: AgentFrameInput) => void;
  /** When the current connection was dialled, by `performance.now()`; null without one. */
  dialledAt: () => number | null;
  /** Closes the connection and dials again at once. */
  reconnect: () => void;
  /** Removes secrets. */
  redact: (text: string) => string;
}

export function createConfirmationLink({ send, dialledAt, reconnect, redact }: ConfirmationLinkOptions) {
  let awaited: Awaited | null = null;
  let last: { confirmation: Confirmation; at: number } | null = null;

  function put({ confirmation, at }: NonNullable<typeof last>): void {
    const passed = Math.round((performance.now() - at) / 1_000);
    const left = confirmation.seconds_left ?? null;
    const payload = left === null ? confirmation : { ...confirmation, seconds_left: Math.max(0, left - passed) };
    send({ type: 'confirmation', payload });
  }

  return {
    report({ checks, ...rest }: Confirmation): void {
      const confirmation = {
        ...rest,
        reason: redact(rest.reason ?? ''),
        checks: checks.map((check) => ({ ...check, reason: redact(check.reason ?? '') })),
      };
      if (last !== null && isDeepStrictEqual(untimed(last.confirmation), untimed(confirmation))) return;
      last = { confirmation, at: performance.now() };
      put(last);
    },
    ended(): void {
      last = null;
    },
    awaitAnswer(commandId: string, since: number, onChange: () => void): AwaitedAnswer {
      const current: Awaited = { commandId, since, answer: null, onChange };
      awaited = current;
      const dialled = dialledAt();
      if (dialled !== null && dialled < since) reconnect();
      return {
        get: () => current.answer,
        end() {
          if (awaited === current) awaited = null;
        },
      };
    },
    /** `registered` was received. */
    registered(): void {
      if (last !== null) put(last);
    },
    /** `confirm` was received. One on a connection from before the activation proves nothing. */
    answered(answer: Answer): void {
      const dialled = dialledAt();
      if (awaited === null || answer.command_id !== awaited.commandId) return;
      if (dialled === null || dialled < awaited.since || awaited.answer?.by_operator === true) return;
      awaited.answer = answer;
      awaited.onChange();
    },
  };
}

const untimed = (confirmation: Confirmation): Confirmation => ({ ...confirmation, seconds_left: null });
