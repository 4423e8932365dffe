/** Samples of the events in `host-event-kinds.ts`. */
import type { HOST_EVENT_KINDS } from '../../events/host-event-kinds';
import type { EventSamples } from './event-sample';

export const HOST_EVENT_SAMPLES: EventSamples<keyof typeof HOST_EVENT_KINDS> = {
  'host.added': [
    {
      params: { by: 'operator' },
      hostName: 'web',
      sentence: 'web was added. An agent that connects with this name is assigned to it.',
    },
    { params: { by: 'agent' }, hostName: 'web', sentence: 'web connected for the first time.' },
    {
      params: { by: 'version-1-agent' },
      hostName: 'web',
      sentence: 'web connected for the first time, with a version-1 agent.',
    },
    { params: { by: 'enrolment-code' }, hostName: 'web', sentence: 'web was enrolled with an enrolment code.' },
  ],
  'host.approved': [{ params: {}, hostName: 'web', sentence: 'web was approved.' }],
  'host.refused': [{ params: { name: 'web' }, sentence: 'web was refused.' }],
  'host.confirm-set': [
    {
      params: { setting: 'on' },
      hostName: 'web',
      sentence: 'Switches on web are confirmed from now on, whatever the dashboard is set to.',
    },
    { params: { setting: 'off' }, hostName: 'web', sentence: 'Switches on web are not confirmed from now on.' },
    {
      params: { setting: 'default' },
      hostName: 'web',
      sentence: 'Switches on web follow the dashboard’s setting for confirmation.',
    },
  ],
  'host.removed': [
    {
      params: {},
      hostName: 'web',
      sentence:
        'web was removed, together with its commands, their output and its metrics. An agent that connects with this name becomes a new host.',
    },
  ],
};
