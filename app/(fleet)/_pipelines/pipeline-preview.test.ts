import { describe, expect, it } from 'vitest';
import { aCommand, aHost, withCompartments } from '@/app/_live/testing/views';
import type { PipelineView } from '@/lib/protocol/live';
import { previewPipeline, previewSentences } from './pipeline-preview';

const other = {
  hosts: [
    { hostId: 'taken', status: 'running' },
    { hostId: 'through', status: 'done' },
  ],
} as unknown as PipelineView;

describe('what a pipeline will do', () => {
  it('names who begins, who is waited for and who is passed over', () => {
    const hosts = [
      aHost('web'),
      aHost('through'),
      aHost('busy', { command: aCommand({ hostId: 'busy' }) }),
      aHost('away', { online: false }),
      aHost('taken'),
    ];
    const preview = previewPipeline(['pull', 'switch', 'test'], hosts, [other], false);
    expect(preview.ready.map(({ id }) => id)).toEqual(['web', 'through', 'busy']);
    expect(preview.busy.map(({ id }) => id)).toEqual(['busy']);
    expect(preview.skipped.map(({ reason }) => reason)).toEqual(['away is offline.', 'taken is in another pipeline.']);
    expect(previewSentences(preview)).toEqual([
      '3 hosts go through Pull, Switch and Test, each as far as it goes well.',
      'busy is busy and will be waited for, at most 10 minutes.',
      '1 is offline and 1 is in another pipeline and will be skipped.',
    ]);
  });

  it('passes over hosts that can not take the first stage, unless by force', () => {
    const hosts = [withCompartments('web', { git: 'outdated' }), aHost('db')];
    const plain = previewPipeline(['switch', 'test'], hosts, [], false);
    expect(plain.ready.map(({ id }) => id)).toEqual(['db']);
    expect(plain.skipped).toMatchObject([{ code: 'blocked', forceable: true }]);
    expect(previewSentences(plain)).toEqual([
      'db goes through Switch and Test, as far as it goes well.',
      '1 can’t take the first stage and will be skipped.',
    ]);
    expect(previewPipeline(['switch', 'test'], hosts, [], true).skipped).toEqual([]);
  });

  it('says what is done before the hosts, and when nothing can be done', () => {
    expect(previewSentences(previewPipeline(['merge-pr', 'pull'], [aHost('web')], [], false))).toEqual([
      'First, once: Merge flake update. If that fails, no host is touched.',
      'web goes through Pull.',
    ]);
    const away = [aHost('web', { online: false })];
    expect(previewSentences(previewPipeline(['pull'], away, [], false))).toEqual([
      'Nothing can be started: none of these hosts can take it now.',
    ]);
    expect(previewSentences(previewPipeline([], [aHost('web')], [], false))).toEqual([
      'Pick at least one operation for the hosts.',
    ]);
  });
});
