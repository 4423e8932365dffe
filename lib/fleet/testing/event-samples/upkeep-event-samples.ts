/** Samples of the events in `upkeep-event-kinds.ts`. */
import type { UPKEEP_EVENT_KINDS } from '../../events/upkeep-event-kinds';
import { SAMPLE_TIME, type EventSamples } from './event-sample';

export const UPKEEP_EVENT_SAMPLES: EventSamples<keyof typeof UPKEEP_EVENT_KINDS> = {
  'backup.made': [
    { params: { file: 'a.db', warnings: [] }, sentence: 'The backup a.db was made and checked.' },
    {
      params: { file: 'a.db', warnings: ['It was not copied.', 'The disk is nearly full.'] },
      sentence: 'The backup a.db was made and checked. It was not copied. The disk is nearly full.',
    },
  ],
  'backup.failed': [{ params: { reason: 'The disk is full.' }, sentence: 'The backup failed: The disk is full.' }],
  'events.cut': [
    {
      params: {
        ...{ upTo: 5, hash: '0f', eventDays: 400, eventRows: 1_000_000 },
        cuts: [{ chain: 'peers', upTo: 2, hash: '2f', at: SAMPLE_TIME }],
        restores: [{ takenAt: SAMPLE_TIME, restoredAt: SAMPLE_TIME + 1 }],
      },
      sentence:
        'Events with ids up to 5 were deleted: they were older than 400 days, or more than 1,000,000 events were stored.',
    },
    {
      params: { upTo: 900, hash: '0f', eventDays: 400, eventRows: 250_000, chain: 'peers' },
      sentence:
        'Events of agents and visitors with ids up to 900 were deleted: they were older than 400 days, or more than 250,000 events were stored.',
    },
  ],
  'database.restored': [
    {
      params: { takenAt: SAMPLE_TIME, restoredAt: SAMPLE_TIME + 1 },
      sentence:
        'The database was restored from the backup of 2026-01-02T03:04:05.000Z: what happened later is not in it.',
    },
    {
      params: { takenAt: 0, restoredAt: SAMPLE_TIME + 1 },
      sentence: 'The database was restored from a copy of unknown time: what happened later is not in it.',
    },
  ],
  'upgrade-notice.read': [
    {
      params: { titles: ['Scripts', 'Colours'] },
      sentence: 'These notices were marked as read: Scripts, Colours.',
    },
  ],
  'database.adopted': [
    {
      params: { from: 'NixFleet 3.1.5', hosts: 1, problems: 1, sharedNames: 0, backup: 'copy.db', report: {} },
      sentence:
        'The database of NixFleet 3.1.5 was adopted: 1 host; 1 value was not valid. The untouched copy is copy.db.',
    },
    {
      params: {
        from: 'NixFleet 3.1.5',
        hosts: 3,
        problems: 0,
        sharedNames: 1,
        backup: 'copy.db',
        report: { at: SAMPLE_TIME },
      },
      sentence:
        'The database of NixFleet 3.1.5 was adopted: 3 hosts; 0 values were not valid. The untouched copy is copy.db.',
    },
  ],
};
