/**
 * Who may do what. Every server action, route handler, page and live feed asks this one function, through the one that
 * the composition root passes on. Today each signed-in operator may do everything; roles change this file alone.
 */
import type { OperationId } from '@/lib/protocol/operation-ids';

export interface Actor {
  kind: 'operator';
  userId: string;
}

/** The actor of a session. */
export function operatorActor({ userId }: { userId: string }): Actor {
  return { kind: 'operator', userId };
}

export const VERBS = [
  /** See hosts, commands, output, events and pipelines. */
  'view',
  /** Start, cancel and extend operations and pipelines. */
  'operate',
  /** Merge a flake update; approve or refuse a host. */
  'approve',
  /** Add and remove hosts; manage tokens, enrolment codes, admission, backups and the configuration. */
  'administer',
  /** Manage the actor's own password, second factor and sessions. */
  'manage-account',
] as const;
export type Verb = (typeof VERBS)[number];

/** `hostId`: the host that it concerns; null for what concerns no single host. */
export type May = (actor: Actor, verb: Verb, hostId: string | null) => boolean;

const MAY_DO: Readonly<Record<Actor['kind'], readonly Verb[]>> = { operator: VERBS };

export const may: May = (actor, verb) => MAY_DO[actor.kind].includes(verb);

/** What an actor must be allowed to do in order to start an operation. */
export function verbOf(operation: OperationId): Verb {
  switch (operation) {
    case 'add-host':
    case 'remove-host':
      return 'administer';
    case 'merge-pr':
      return 'approve';
    default:
      return 'operate';
  }
}
