/** What must hold before an operation is sent, one function per rule. Pure: pages and the fleet judge alike. */
import type { Precondition } from './operation';
import { OPERATION_WORDS } from './operation-words';

export const online: Precondition = (facts) =>
  facts.online ? null : { code: 'offline', reason: `${facts.name} is offline.`, unblock: null, forceable: false };

/** Version-1 agents poll, know no protocol of ours, and are given one command alone. */
export const modern: Precondition = (facts) =>
  facts.protocol === 1
    ? {
        code: 'version-1',
        reason: `${facts.name} has a version-1 agent, which can do nothing but pull and switch: that replaces it.`,
        unblock: 'pull-switch',
        forceable: false,
      }
    : null;

/** What keeps a host from taking an operation that waits its turn, or null. */
export const busyWith: Precondition = (facts) => {
  const busyWith = facts.command ?? facts.control;
  if (busyWith) {
    return {
      code: 'busy',
      reason: `${facts.name} is busy: ${OPERATION_WORDS[busyWith.operation].label} is under way.`,
      unblock: facts.command && !facts.control ? 'stop' : null,
      forceable: false,
    };
  }
  if (facts.foreignCommand !== '') {
    return {
      code: 'agent-busy',
      reason: `The agent of ${facts.name} says that it is still running "${facts.foreignCommand}".`,
      unblock: 'stop',
      forceable: false,
    };
  }
  return null;
};

export const somethingRuns: Precondition = (facts) =>
  facts.command || facts.foreignCommand !== ''
    ? null
    : { code: 'idle', reason: `Nothing is running on ${facts.name}.`, unblock: null, forceable: false };

export const noControlUnderWay: Precondition = (facts) =>
  facts.control
    ? {
        code: 'busy',
        reason: `${OPERATION_WORDS[facts.control.operation].label} is already under way on ${facts.name}.`,
        unblock: null,
        forceable: false,
      }
    : null;

export const pulled: Precondition = (facts) => {
  const { git, lock } = facts.compartments;
  const behind = git.status === 'outdated' ? git : lock.status === 'outdated' ? lock : null;
  return behind
    ? {
        code: 'behind',
        reason: `${facts.name} does not have the desired configuration yet: ${behind.message}`,
        unblock: 'pull',
        forceable: true,
      }
    : null;
};

export const notOnline: Precondition = (facts) =>
  facts.online
    ? {
        code: 'online',
        reason: `${facts.name} is online and would come back at once. Stop its agent first.`,
        unblock: null,
        forceable: false,
      }
    : null;

/** The dashboard does one thing at a time about a host. */
export const dashboardIdle: Precondition = (facts) =>
  facts.dashboardCommand
    ? {
        code: 'busy',
        reason: `The dashboard is at work on ${facts.name}: ${OPERATION_WORDS[facts.dashboardCommand.operation].label} is under way.`,
        unblock: null,
        forceable: false,
      }
    : null;

export const nothingUnfinished: Precondition = (facts) => {
  const unfinished = facts.command ?? facts.control;
  return unfinished
    ? {
        code: 'unfinished',
        reason: `${OPERATION_WORDS[unfinished.operation].label} on ${facts.name} has not ended: how it went would never be known.`,
        unblock: null,
        forceable: true,
      }
    : null;
};
