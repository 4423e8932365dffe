/** Samples of the events in `flake-update-event-kinds.ts`. */
import type { FLAKE_UPDATE_EVENT_KINDS } from '../../events/flake-update-event-kinds';
import type { EventSamples } from './event-sample';

const UPDATE = { number: 7, title: 'flake.lock: Update', repo: 'ada/nixcfg', forge: 'GitHub' };

export const FLAKE_UPDATE_EVENT_SAMPLES: EventSamples<keyof typeof FLAKE_UPDATE_EVENT_KINDS> = {
  'update.merged': [
    {
      params: { ...UPDATE, commit: '0123456789abcdef' },
      sentence: 'Flake update #7 (flake.lock: Update) of ada/nixcfg at GitHub was merged as 0123456.',
    },
    {
      params: { ...UPDATE, title: '', commit: '' },
      sentence: 'Flake update #7 of ada/nixcfg at GitHub was merged.',
    },
  ],
  'update.refused': [
    {
      params: { ...UPDATE, reason: 'It is a draft.' },
      sentence: 'Flake update #7 (flake.lock: Update) of ada/nixcfg at GitHub was not merged: It is a draft.',
    },
  ],
  'update.failed': [
    {
      params: { ...UPDATE, reason: 'GitHub does not answer.' },
      sentence: 'Flake update #7 (flake.lock: Update) of ada/nixcfg at GitHub was not merged: GitHub does not answer.',
    },
  ],
};
