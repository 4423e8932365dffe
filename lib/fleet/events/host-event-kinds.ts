/** Events of the list of hosts: added, approved, refused, removed. */
import { z } from 'zod';
import { CONFIRM_SETTINGS } from '@/lib/protocol/confirm-setting';
import { eventKind } from './event-kind';

/** Who added a host: an operator, its agent when it connected, or its agent with an enrolment code. */
const ADDED_BY = ['operator', 'agent', 'version-1-agent', 'enrolment-code'] as const;

export const HOST_EVENT_KINDS = {
  'host.added': eventKind({
    params: z.object({ by: z.enum(ADDED_BY) }),
    chain: 'main',
    category: ({ by }) => (by === 'operator' ? 'fleet' : 'agent'),
    level: 'success',
    outcome: ({ by }) => (by === 'operator' ? 'succeeded' : ''),
    sentence: ({ by }, { hostName }) => {
      switch (by) {
        case 'operator':
          return `${hostName} was added. An agent that connects with this name is assigned to it.`;
        case 'agent':
          return `${hostName} connected for the first time.`;
        case 'version-1-agent':
          return `${hostName} connected for the first time, with a version-1 agent.`;
        case 'enrolment-code':
          return `${hostName} was enrolled with an enrolment code.`;
      }
    },
  }),
  'host.approved': eventKind({
    params: z.object({}),
    chain: 'main',
    category: 'fleet',
    level: 'success',
    sentence: (_params, { hostName }) => `${hostName} was approved.`,
  }),
  /** The event belongs to no host: the refused one is not added. */
  'host.refused': eventKind({
    params: z.object({ name: z.string() }),
    chain: 'main',
    category: 'auth',
    level: 'info',
    outcome: 'done',
    sentence: ({ name }) => `${name} was refused.`,
  }),
  'host.confirm-set': eventKind({
    params: z.object({ setting: z.enum(CONFIRM_SETTINGS) }),
    chain: 'main',
    category: 'fleet',
    level: 'info',
    outcome: 'done',
    sentence: ({ setting }, { hostName }) => {
      switch (setting) {
        case 'on':
          return `Switches on ${hostName} are confirmed from now on, whatever the dashboard is set to.`;
        case 'off':
          return `Switches on ${hostName} are not confirmed from now on.`;
        case 'default':
          return `Switches on ${hostName} follow the dashboard’s setting for confirmation.`;
      }
    },
  }),
  'host.removed': eventKind({
    params: z.object({}),
    chain: 'main',
    category: 'fleet',
    level: 'warning',
    outcome: 'succeeded',
    sentence: (_params, { hostName }) =>
      `${hostName} was removed, together with its commands, their output and its metrics. An agent that connects with this name becomes a new host.`,
  }),
};
