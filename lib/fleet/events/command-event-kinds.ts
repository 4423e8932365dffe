/** Events of commands: requested, sent or refused, and how they end. */
import { z } from 'zod';
import { endPhrase, nounPhrase } from '../operations/operation-words';
import { eventKind, timeSchema, type EventSubject } from './event-kind';
import { counted } from '@/lib/text/counted';
import { COMMAND_OUTCOMES, type CommandOutcome } from '@/lib/protocol/command-phases';
import type { EventLevel } from '@/lib/protocol/event-categories';
import { generationNumber } from '@/lib/protocol/agent/system-generations';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';

const operation = z.enum(OPERATION_IDS);
/** Of an event about a command: its operation, and the generation that it switches to. */
const command = { operation, generation: generationNumber.optional() };
interface Named {
  operation: OperationId;
  generation?: number | undefined;
}
const of = ({ operation: id, generation }: Named, { hostName }: EventSubject) =>
  `The ${nounPhrase(id, hostName, generation ?? null)}`;
const noun = ({ operation: id, generation }: Named) => nounPhrase(id, '', generation ?? null);

const LEVELS: Readonly<Record<CommandOutcome, EventLevel>> = {
  succeeded: 'success',
  unchanged: 'success',
  partial: 'warning',
  failed: 'error',
  'rolled-back': 'error',
  refused: 'error',
  stopped: 'warning',
  'timed-out': 'error',
  rejected: 'warning',
  cancelled: 'info',
  expired: 'warning',
  superseded: 'info',
  skipped: 'info',
  lost: 'error',
};

/** A refused request; `request` says what was asked for. `reason` is the sentence that the operator saw. */
const blockedParams = z.discriminatedUnion('request', [
  /** An operation on the event's host. `code`: that of `Blocked`. */
  z.object({ request: z.literal('operation'), ...command, code: z.string(), reason: z.string() }),
  /** An operation on a host that is not known, or no longer. */
  z.object({ request: z.literal('unknown-host'), operation }),
  /** A new host; its name as typed, shortened. */
  z.object({ request: z.literal('add-host'), name: z.string(), code: z.string(), reason: z.string() }),
]);

export const COMMAND_EVENT_KINDS = {
  'command.requested': eventKind({
    params: z.object({ ...command, forced: z.boolean() }),
    details: z.object({ args: z.record(z.string(), z.unknown()).optional() }),
    chain: 'main',
    category: 'command',
    level: 'info',
    sentence: (params, subject) =>
      `${of(params, subject)} was requested${params.forced ? ' despite a failed precondition' : ''}.`,
  }),
  'command.queued': eventKind({
    params: z.object({
      ...command,
      waitsFor: z.enum(['connection', 'poll']),
      expiresAt: timeSchema,
    }),
    chain: 'main',
    category: 'command',
    level: 'info',
    sentence: (params, subject) => {
      const until = params.waitsFor === 'poll' ? 'its version-1 agent polls' : 'the host is online';
      return `${of(params, subject)} is queued until ${until}. It expires at ${new Date(params.expiresAt).toISOString()}.`;
    },
  }),
  'command.dequeued': eventKind({
    params: z.object({ ...command, requestedBy: z.string() }),
    chain: 'main',
    category: 'command',
    level: 'info',
    sentence: (params, { hostName }) =>
      `${hostName} is back online: the ${noun(params)} requested by ${params.requestedBy} was sent.`,
  }),
  'command.handed-out': eventKind({
    params: z.object({ ...command, requestedBy: z.string() }),
    chain: 'main',
    category: 'command',
    level: 'info',
    sentence: (params, { hostName }) =>
      `The version-1 agent of ${hostName} fetched the ${noun(params)} requested by ${params.requestedBy}.`,
  }),
  'command.cancelled': eventKind({
    params: z.object(command),
    chain: 'main',
    category: 'command',
    level: 'info',
    sentence: (params, subject) => `${of(params, subject)} was cancelled before it was sent.`,
  }),
  'command.blocked': eventKind({
    params: blockedParams,
    chain: 'main',
    category: 'command',
    level: 'warning',
    outcome: 'blocked',
    sentence: (params, subject) => {
      switch (params.request) {
        case 'operation':
          return `${of(params, subject)} was refused: ${params.reason}`;
        case 'unknown-host':
          return `${of(params, subject)} was refused: there is no such host.`;
        case 'add-host':
          return `Adding the host ${JSON.stringify(params.name)} was refused: ${params.reason}`;
      }
    },
  }),
  'command.extended': eventKind({
    params: z.object({ ...command, minutes: z.number() }),
    chain: 'main',
    category: 'command',
    level: 'info',
    sentence: ({ operation: id, generation, minutes }, { hostName }) =>
      `The deadline of the ${nounPhrase(id, hostName, generation ?? null)} was extended by ${counted(minutes, 'minute')}.`,
  }),
  /** An operator kept the new system of a confirmed switch before its checks had passed, or went back. */
  'command.answered': eventKind({
    params: z.object({ operation, answer: z.enum(['keep', 'revert']) }),
    chain: 'main',
    category: 'command',
    level: ({ answer }) => (answer === 'keep' ? 'info' : 'warning'),
    sentence: ({ operation: id, answer }, { hostName }) =>
      answer === 'keep'
        ? `The new system of ${hostName} was kept by an operator: the ${nounPhrase(id)} no longer waits for its checks.`
        : `The ${nounPhrase(id, hostName)} was reverted by an operator: the host returns to the previous system.`,
  }),
  /** A command takes longer than it should. `why`: as in its state. */
  'command.warning': eventKind({
    params: z.object({ ...command, why: z.string() }),
    chain: 'main',
    category: 'command',
    level: 'warning',
    sentence: (params, subject) => `${of(params, subject)} needs attention. ${params.why}`,
  }),
  /** `reason`: that of the command. */
  'command.ended': eventKind({
    params: z.object({
      ...command,
      outcome: z.enum(COMMAND_OUTCOMES),
      exitCode: z.number().nullable(),
      reason: z.string(),
    }),
    chain: 'main',
    category: 'command',
    level: ({ outcome }) => LEVELS[outcome],
    outcome: ({ outcome }) => outcome,
    sentence: (params, subject) =>
      `${of(params, subject)} ${endPhrase(params.outcome, params.reason, params.exitCode)}`,
  }),
  /** A result arrived after the end and corrected it. `outcome` and `reason`: the corrected ones. */
  'command.late-result': eventKind({
    params: z.object({ ...command, outcome: z.enum(COMMAND_OUTCOMES), reason: z.string() }),
    chain: 'main',
    category: 'command',
    level: ({ outcome }) => LEVELS[outcome],
    outcome: ({ outcome }) => outcome,
    sentence: (params, subject) => `${of(params, subject)} ${endPhrase(params.outcome, params.reason)}`,
  }),
};
