/**
 * The words of each operation, for buttons and for sentences. A sentence picks the form it needs and never uses the
 * label. `{hosts}` stands for one host's name or for "3 hosts": see `nounPhrase`, `verbPhrase` and `pastPhrase`.
 */
import type { CommandOutcome } from '@/lib/protocol/command-phases';
import type { OperationId } from '@/lib/protocol/operation-ids';

export interface OperationWords {
  /** On a button or in a menu: "Roll back". */
  label: string;
  /** After "the" or "a": "rollback". */
  noun: string;
  /** Between noun and hosts, "the rollback of h1"; absent where the noun takes no hosts. */
  preposition?: string;
  /** After "to" or "could not": "roll back {hosts}". */
  verb: string;
  /** What was done: "rolled back {hosts}". */
  past: string;
}

/** In the words of an operation on a generation, where its number is not known. */
const ANY_GENERATION = 'another generation';

export const OPERATION_WORDS: Readonly<Record<OperationId, OperationWords>> = {
  pull: {
    label: 'Pull',
    noun: 'pull',
    preposition: 'on',
    verb: 'pull the configuration on {hosts}',
    past: 'pulled the configuration on {hosts}',
  },
  switch: { label: 'Switch', noun: 'switch', preposition: 'on', verb: 'switch {hosts}', past: 'switched {hosts}' },
  'pull-switch': {
    label: 'Pull and switch',
    noun: 'pull and switch',
    preposition: 'on',
    verb: 'pull and switch {hosts}',
    past: 'pulled and switched {hosts}',
  },
  test: {
    label: 'Test',
    noun: 'test run',
    preposition: 'on',
    verb: 'run the tests on {hosts}',
    past: 'ran the tests on {hosts}',
  },
  rollback: {
    label: 'Roll back',
    noun: 'rollback',
    preposition: 'of',
    verb: 'roll back {hosts}',
    past: 'rolled back {hosts}',
  },
  update: {
    label: 'Update inputs',
    noun: 'flake input update',
    preposition: 'on',
    verb: 'update the flake inputs on {hosts}',
    past: 'updated the flake inputs on {hosts}',
  },
  stop: {
    label: 'Stop',
    noun: 'stop',
    preposition: 'on',
    verb: 'stop the running command on {hosts}',
    past: 'stopped the running command on {hosts}',
  },
  kill: {
    label: 'Kill',
    noun: 'kill',
    preposition: 'on',
    verb: 'kill the running command on {hosts}',
    past: 'killed the running command on {hosts}',
  },
  restart: {
    label: 'Restart agent',
    noun: 'agent restart',
    preposition: 'on',
    verb: 'restart the agent on {hosts}',
    past: 'restarted the agent on {hosts}',
  },
  reboot: { label: 'Reboot', noun: 'reboot', preposition: 'of', verb: 'reboot {hosts}', past: 'rebooted {hosts}' },
  'check-version': {
    label: 'Check agent version',
    noun: 'agent version check',
    preposition: 'on',
    verb: 'check the agent version on {hosts}',
    past: 'checked the agent version on {hosts}',
  },
  'refresh-git': {
    label: 'Refresh Git status',
    noun: 'Git status refresh',
    preposition: 'of',
    verb: 'refresh the Git status of {hosts}',
    past: 'refreshed the Git status of {hosts}',
  },
  'refresh-lock': {
    label: 'Refresh lock status',
    noun: 'lock status refresh',
    preposition: 'of',
    verb: 'refresh the lock status of {hosts}',
    past: 'refreshed the lock status of {hosts}',
  },
  'refresh-system': {
    label: 'Check system',
    noun: 'system check',
    preposition: 'of',
    verb: 'check the system of {hosts}',
    past: 'checked the system of {hosts}',
  },
  'refresh-all': {
    label: 'Refresh all',
    noun: 'status refresh',
    preposition: 'of',
    verb: 'refresh the status of {hosts}',
    past: 'refreshed the status of {hosts}',
  },
  'force-update': {
    label: 'Force agent update',
    noun: 'forced agent update',
    preposition: 'on',
    verb: 'force an agent update on {hosts}',
    past: 'forced an agent update on {hosts}',
  },
  boot: {
    label: 'Switch at next boot',
    noun: 'next-boot preparation',
    preposition: 'of',
    verb: 'set the boot default of {hosts}',
    past: 'set the boot default of {hosts}',
  },
  'switch-generation': {
    label: 'Switch to generation',
    noun: `switch to ${ANY_GENERATION}`,
    preposition: 'on',
    verb: `switch {hosts} to ${ANY_GENERATION}`,
    past: `switched {hosts} to ${ANY_GENERATION}`,
  },
  'merge-pr': {
    label: 'Merge flake update',
    noun: 'merge of the flake update',
    verb: 'merge the flake update',
    past: 'merged the flake update',
  },
  'set-color': {
    label: 'Change colour',
    noun: 'colour change',
    preposition: 'of',
    verb: 'change the colour of {hosts}',
    past: 'changed the colour of {hosts}',
  },
  'remove-host': {
    label: 'Remove host',
    noun: 'removal',
    preposition: 'of',
    verb: 'remove {hosts}',
    past: 'removed {hosts}',
  },
  'add-host': { label: 'Add host', noun: 'addition', preposition: 'of', verb: 'add {hosts}', past: 'added {hosts}' },
};

/** The text of a button for a command: "Switch to generation 12". */
export function labelOf({ operation, generation }: { operation: OperationId; generation: number | null }): string {
  const { label } = OPERATION_WORDS[operation];
  return generation === null ? label : `${label} ${generation}`;
}

const withGeneration = (words: string, generation: number | null) =>
  generation === null ? words : words.replace(ANY_GENERATION, `generation ${generation}`);

/**
 * An operation as a thing, after "the": "rollback of h1"; "rollback" when no hosts are given. `generation`: the one that
 * it switches to, where that is known.
 */
export function nounPhrase(id: OperationId, hosts = '', generation: number | null = null): string {
  const { preposition } = OPERATION_WORDS[id];
  const noun = withGeneration(OPERATION_WORDS[id].noun, generation);
  return hosts === '' || preposition === undefined ? noun : `${noun} ${preposition} ${hosts}`;
}

/** What an operation does, after "to" or "could not": "roll back h1", "roll back 3 hosts". */
export function verbPhrase(id: OperationId, hosts: string, generation: number | null = null): string {
  return withGeneration(OPERATION_WORDS[id].verb, generation).replace('{hosts}', () => hosts);
}

/** What an operation did: "rolled back h1". */
export function pastPhrase(id: OperationId, hosts: string): string {
  return OPERATION_WORDS[id].past.replace('{hosts}', () => hosts);
}

/** How a command ended, after its noun phrase: "The rollback of h1 timed out." */
export const OUTCOME_PHRASES: Readonly<Record<CommandOutcome, string>> = {
  succeeded: 'succeeded',
  unchanged: 'changed nothing',
  partial: 'was partly done',
  failed: 'failed',
  'rolled-back': 'was rolled back',
  refused: 'was refused by the host',
  stopped: 'was stopped',
  'timed-out': 'timed out',
  rejected: 'was rejected',
  cancelled: 'was cancelled',
  expired: 'expired',
  superseded: 'was superseded',
  skipped: 'was skipped',
  lost: 'ended with an unknown result',
};

/** What the message of a refused command begins with (protocol 7.8). */
const REFUSED_BY_HOST = 'Refused by the host: ';

/**
 * How a command ended and why, after its name: "failed (exit code 3). A unit failed.", "was refused by the host: the commit
 * 3c9a808 is not signed." The exit code of a refusal is always the same and is left out. `reason`: a sentence, or ''.
 */
export function endPhrase(outcome: CommandOutcome, reason: string, exitCode: number | null = null): string {
  const phrase = OUTCOME_PHRASES[outcome];
  if (outcome === 'refused' && reason.startsWith(REFUSED_BY_HOST))
    return `${phrase}: ${reason.slice(REFUSED_BY_HOST.length)}`;
  // 0 adds nothing to a success, and a reason may name the code already.
  const isShown =
    exitCode !== null && exitCode !== 0 && outcome !== 'refused' && !reason.includes(`exit code ${exitCode}`);
  return `${phrase}${isShown ? ` (exit code ${exitCode})` : ''}.${reason === '' ? '' : ` ${reason}`}`;
}
