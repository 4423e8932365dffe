/** What must hold before an operation is sent, one function per rule. Pure, so that pages and the fleet agree. */
import type { Blocked } from '../records/blocked';
import type { HostFacts, Precondition } from './operation';
import { nounPhrase } from './operation-words';

export const online: Precondition = (facts) =>
  facts.online ? null : { code: 'offline', reason: `${facts.name} is offline.`, unblock: null, forceable: false };

const isConfirming = ({ command }: HostFacts) => command?.phase === 'confirming';

const confirming = ({ name }: HostFacts): Blocked => ({
  code: 'confirming',
  reason: `${name} is trying a new system until it is confirmed. Use Keep now or Revert now, or wait.`,
  unblock: null,
  forceable: false,
});

/** While a host tries a new system, ending its agent or restarting it would spoil the trial; only an answer ends it. */
export const notConfirming: Precondition = (facts) => (isConfirming(facts) ? confirming(facts) : null);

/** As `notConfirming`, for what would end the running command. */
export const stoppable: Precondition = (facts) =>
  isConfirming(facts)
    ? {
        ...confirming(facts),
        reason: `${facts.name} is trying a new system, which can’t be stopped: use Revert now.`,
      }
    : null;

/** No command may be running on the host. */
export const notBusy: Precondition = (facts) => {
  const running = facts.command ?? facts.control;
  if (isConfirming(facts)) return confirming(facts);
  if (running) {
    return {
      code: 'busy',
      reason: `${facts.name} is busy: the ${nounPhrase(running.operation, '', running.generation)} is in progress.`,
      unblock: facts.command && !facts.control ? 'stop' : null,
      forceable: false,
    };
  }
  if (facts.foreignCommand !== '') {
    return {
      code: 'agent-busy',
      reason: `The agent of ${facts.name} reports that it is still running "${facts.foreignCommand}".`,
      unblock: 'stop',
      forceable: false,
    };
  }
  return null;
};

export const hasRunningCommand: Precondition = (facts) =>
  facts.command || facts.foreignCommand !== ''
    ? null
    : { code: 'idle', reason: `Nothing is running on ${facts.name}.`, unblock: null, forceable: false };

export const noControlRunning: Precondition = (facts) =>
  facts.control
    ? {
        code: 'busy',
        reason: `The ${nounPhrase(facts.control.operation, facts.name)} is already in progress.`,
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

export const offline: Precondition = (facts) =>
  facts.online
    ? {
        code: 'online',
        reason: `${facts.name} is online and would reappear at once. Stop its agent first.`,
        unblock: null,
        forceable: false,
      }
    : null;

/** Only one dashboard operation per host may run at a time. */
export const noDashboardOperation: Precondition = (facts) =>
  facts.dashboardCommand
    ? {
        code: 'busy',
        reason: `The ${nounPhrase(facts.dashboardCommand.operation, facts.name)} is still in progress.`,
        unblock: null,
        forceable: false,
      }
    : null;

export const noUnendedCommand: Precondition = (facts) => {
  const unfinished = facts.command ?? facts.control;
  return unfinished
    ? {
        code: 'unfinished',
        reason: `The ${nounPhrase(unfinished.operation, facts.name, unfinished.generation)} has not ended: its result would be lost.`,
        unblock: null,
        forceable: true,
      }
    : null;
};
