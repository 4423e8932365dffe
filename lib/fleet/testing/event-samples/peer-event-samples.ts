/** Samples of the events in `peer-event-kinds.ts`. */
import type { PEER_EVENT_KINDS } from '../../events/peer-event-kinds';
import { SAMPLE_ADDRESS, SAMPLE_TIME, type EventSamples } from './event-sample';

export const PEER_EVENT_SAMPLES: EventSamples<keyof typeof PEER_EVENT_KINDS> = {
  'events.summed': [
    {
      params: {
        since: SAMPLE_TIME,
        events: 4_500,
        kinds: [
          { name: 'agent.fault', count: 4_400 },
          { name: 'agent.connected', count: 99 },
          { name: 'agent.vanished', count: 1 },
        ],
        hosts: 7,
        ofHosts: [
          { name: 'web', count: 4_000 },
          { name: 'db', count: 2 },
        ],
        addresses: 1,
        ofAddresses: [{ name: SAMPLE_ADDRESS, count: 4_500 }],
      },
      sentence:
        '4,500 more events from agents and visitors since 2026-01-02T03:04:05.000Z were counted but not recorded: ' +
        'frames that were not accepted (4,400), connections (99), agent.vanished (1). ' +
        `They name 7 hosts: web (4,000), db (2), … and come from 1 address: ${SAMPLE_ADDRESS} (4,500).`,
    },
    {
      params: {
        since: SAMPLE_TIME,
        events: 1,
        kinds: [{ name: 'auth.sign-in.refused', count: 1 }],
        hosts: 0,
        ofHosts: [],
        addresses: 0,
        ofAddresses: [],
      },
      sentence:
        '1 more event from agents and visitors since 2026-01-02T03:04:05.000Z was counted but not recorded: refused sign-ins (1).',
    },
    {
      params: {
        since: SAMPLE_TIME,
        events: 1,
        kinds: [{ name: 'agent.disconnected', count: 1 }],
        hosts: 1,
        ofHosts: [{ name: 'web', count: 1 }],
        addresses: 0,
        ofAddresses: [],
      },
      sentence:
        '1 more event from agents and visitors since 2026-01-02T03:04:05.000Z was counted but not recorded: disconnections (1). ' +
        'It names 1 host: web (1).',
    },
    {
      params: {
        since: SAMPLE_TIME,
        events: 2,
        kinds: [{ name: 'auth.sign-in.refused', count: 2 }],
        hosts: 0,
        ofHosts: [],
        addresses: 1,
        ofAddresses: [{ name: SAMPLE_ADDRESS, count: 2 }],
      },
      sentence:
        '2 more events from agents and visitors since 2026-01-02T03:04:05.000Z were counted but not recorded: refused sign-ins (2). ' +
        `They come from 1 address: ${SAMPLE_ADDRESS} (2).`,
    },
  ],
};
