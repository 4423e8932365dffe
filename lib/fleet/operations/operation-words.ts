/**
 * The words of each operation, for buttons and for the sentences that name it. A sentence picks the form that it needs;
 * none is built from a label. `{hosts}` stands for one host's name or for "3 hosts": see `verbPhrase` and `pastPhrase`.
 */
import type { OperationId } from '@/lib/protocol/live';

export interface OperationWords {
  /** On a button or in a menu: "Roll back". */
  label: string;
  /** In the middle of a sentence, after an article: "the rollback", "a rollback". */
  noun: string;
  /** After "to" or "could not": "roll back {hosts}". */
  verb: string;
  /** What was done: "rolled back {hosts}". */
  past: string;
}

export const OPERATION_WORDS: Readonly<Record<OperationId, OperationWords>> = {
  pull: {
    label: 'Pull',
    noun: 'pull',
    verb: 'pull the configuration on {hosts}',
    past: 'pulled the configuration on {hosts}',
  },
  switch: { label: 'Switch', noun: 'switch', verb: 'switch {hosts}', past: 'switched {hosts}' },
  'pull-switch': {
    label: 'Pull and switch',
    noun: 'pull and switch',
    verb: 'pull and switch {hosts}',
    past: 'pulled and switched {hosts}',
  },
  test: { label: 'Test', noun: 'test run', verb: 'run the tests on {hosts}', past: 'ran the tests on {hosts}' },
  rollback: { label: 'Roll back', noun: 'rollback', verb: 'roll back {hosts}', past: 'rolled back {hosts}' },
  update: {
    label: 'Update inputs',
    noun: 'input update',
    verb: 'update the inputs on {hosts}',
    past: 'updated the inputs on {hosts}',
  },
  stop: {
    label: 'Stop',
    noun: 'stop request',
    verb: 'stop the running command on {hosts}',
    past: 'stopped the running command on {hosts}',
  },
  kill: {
    label: 'Kill',
    noun: 'kill request',
    verb: 'kill the running command on {hosts}',
    past: 'killed the running command on {hosts}',
  },
  restart: {
    label: 'Restart agent',
    noun: 'agent restart',
    verb: 'restart the agent on {hosts}',
    past: 'restarted the agent on {hosts}',
  },
  reboot: { label: 'Reboot', noun: 'reboot', verb: 'reboot {hosts}', past: 'rebooted {hosts}' },
  'check-version': {
    label: 'Check agent version',
    noun: 'agent version check',
    verb: 'check the agent version on {hosts}',
    past: 'checked the agent version on {hosts}',
  },
  'refresh-git': {
    label: 'Refresh Git status',
    noun: 'Git status refresh',
    verb: 'refresh the Git status of {hosts}',
    past: 'refreshed the Git status of {hosts}',
  },
  'refresh-lock': {
    label: 'Refresh lock status',
    noun: 'lock status refresh',
    verb: 'refresh the lock status of {hosts}',
    past: 'refreshed the lock status of {hosts}',
  },
  'refresh-system': {
    label: 'Check system',
    noun: 'system check',
    verb: 'check the system of {hosts}',
    past: 'checked the system of {hosts}',
  },
  'refresh-all': {
    label: 'Refresh all',
    noun: 'status refresh',
    verb: 'refresh the status of {hosts}',
    past: 'refreshed the status of {hosts}',
  },
  'force-update': {
    label: 'Force agent update',
    noun: 'forced agent update',
    verb: 'force an agent update on {hosts}',
    past: 'forced an agent update on {hosts}',
  },
  'merge-pr': {
    label: 'Merge flake update',
    noun: 'flake update merge',
    verb: 'merge the flake update',
    past: 'merged the flake update',
  },
  'set-color': {
    label: 'Change colour',
    noun: 'colour change',
    verb: 'change the colour of {hosts}',
    past: 'changed the colour of {hosts}',
  },
  'remove-host': { label: 'Remove host', noun: 'removal', verb: 'remove {hosts}', past: 'removed {hosts}' },
  'add-host': { label: 'Add host', noun: 'new host', verb: 'add {hosts}', past: 'added {hosts}' },
};

/** What an operation does, after "to" or "could not": "roll back h1", "roll back 3 hosts". */
export function verbPhrase(id: OperationId, hosts: string): string {
  return OPERATION_WORDS[id].verb.replace('{hosts}', () => hosts);
}

/** What an operation did: "rolled back h1". */
export function pastPhrase(id: OperationId, hosts: string): string {
  return OPERATION_WORDS[id].past.replace('{hosts}', () => hosts);
}
