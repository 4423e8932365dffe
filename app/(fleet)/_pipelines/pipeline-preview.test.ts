import { describe, expect, it } from 'vitest';
import { aCommand, aHost, withCompartments } from '@/app/_live/testing/views';
import { previewPipeline, previewSentences } from './pipeline-preview';
import type { PipelineView } from '@/lib/protocol/live/views/pipeline-view';

const other = {
  hosts: [
    { hostId: 'taken', status: 'running' },
    { hostId: 'through', status: 'done' },
  ],
} as unknown as PipelineView;

describe('previewPipeline', () => {
  it('names the hosts that start, that are busy and that are skipped', () => {
    const hosts = [
      aHost('web'),
      aHost('through'),
      aHost('busy', { command: aCommand({ hostId: 'busy' }) }),
      aHost('away', { online: false }),
      aHost('taken'),
    ];
    const preview = previewPipeline(['pull', 'switch', 'test'], hosts, [other], false, 0);
    expect(preview.ready.map(({ id }) => id)).toEqual(['web', 'through', 'busy']);
    expect(preview.busy.map(({ id }) => id)).toEqual(['busy']);
    expect(preview.skipped.map(({ reason }) => reason)).toEqual(['away is offline.', 'taken is in another pipeline.']);
    expect(previewSentences(preview)).toEqual([
      'On 3 hosts: Pull, Switch, then Test. Each host stops at its first failure.',
      'busy is busy; the pipeline waits up to 10 minutes for it.',
      'Skipped: 1 offline, 1 in another pipeline.',
    ]);
  });

  it('skips hosts on which the first stage is blocked, unless forced', () => {
    const hosts = [withCompartments('web', { git: 'outdated' }), aHost('db')];
    const plain = previewPipeline(['switch', 'test'], hosts, [], false, 0);
    expect(plain.ready.map(({ id }) => id)).toEqual(['db']);
    expect(plain.skipped).toMatchObject([{ code: 'blocked', blockedBy: 'behind', forceable: true }]);
    expect(previewSentences(plain)).toEqual([
      'On db: Switch, then Test. It stops at the first failure.',
      'Skipped: 1 not ready for the first stage.',
    ]);
    expect(previewPipeline(['switch', 'test'], hosts, [], true, 0).skipped).toEqual([]);
  });

  it('names the stage that runs before the hosts, and says when nothing can start', () => {
    expect(previewSentences(previewPipeline(['merge-pr', 'pull'], [aHost('web')], [], false, 0))).toEqual([
      'The first step is to merge the flake update. If it fails, no host is changed.',
      'On web: Pull.',
    ]);
    const away = [aHost('web', { online: false })];
    expect(previewSentences(previewPipeline(['pull'], away, [], false, 0))).toEqual([
      'Nothing can be started: no host is ready.',
    ]);
    expect(previewSentences(previewPipeline([], [aHost('web')], [], false, 0))).toEqual([
      'Pick at least one operation for the hosts.',
    ]);
  });
});
