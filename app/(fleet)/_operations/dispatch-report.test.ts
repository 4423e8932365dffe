import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { reportDispatch } from './dispatch-report';
import type { DispatchResult } from '@/lib/fleet/records/requests';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';

const stored = <K extends 'accepted' | 'queued'>(kind: K, n: number) => ({
  kind,
  hostId: `h${n}`,
  hostName: `h${n}`,
  commandId: `c${n}`,
});
const accepted = (n: number): DispatchResult => stored('accepted', n);
const queued = (n: number): DispatchResult => stored('queued', n);
const offline = (n: number): DispatchResult => ({
  kind: 'blocked',
  hostId: `h${n}`,
  hostName: `h${n}`,
  blocked: { code: 'offline', reason: `h${n} is offline.`, unblock: null, forceable: false },
});

describe('reportDispatch', () => {
  it('reports nothing for one host, whose row shows the command', () => {
    expect(reportDispatch('pull', [accepted(1)])).toBeNull();
  });

  it('reports the number of hosts', () => {
    expect(reportDispatch('pull', [accepted(1), accepted(2)])).toEqual({
      tone: 'success',
      title: 'Pull on 2 hosts started',
      body: '',
    });
  });

  it.each<[string, DispatchResult[], tone: 'success' | 'warning', title: string]>([
    ['all', [queued(1), queued(2)], 'success', 'Pull queued for 2 hosts'],
    ['some, the rest blocked', [queued(1), queued(2), offline(3)], 'warning', 'Pull queued for 2 of 3 hosts'],
    ['some, the rest started', [accepted(1), queued(2)], 'success', 'Pull on 1 of 2 hosts started, queued for 1 more'],
    [
      'some, others started or blocked',
      [accepted(1), accepted(2), queued(3), offline(4)],
      'warning',
      'Pull on 2 of 4 hosts started, queued for 1 more',
    ],
  ])('counts the hosts for which it is queued: %s', (_case, results, tone, title) => {
    expect(reportDispatch('pull', results)).toMatchObject({ tone, title });
  });

  it('reports nothing for one host for which it is queued', () => {
    expect(reportDispatch('pull', [queued(1)])).toBeNull();
  });

  it('lists why hosts were skipped, and counts what does not fit', () => {
    const results = [accepted(0), ...[1, 2, 3, 4, 5, 6].map(offline)];
    const report = reportDispatch('pull', results);
    expect(report).toMatchObject({ tone: 'warning', title: 'Pull on 1 of 7 hosts started' });
    expect(report?.body.split('\n')).toEqual([
      'h1 is offline.',
      'h2 is offline.',
      'h3 is offline.',
      'h4 is offline.',
      'and 2 more',
    ]);
  });

  it('is an error when nothing was started or a command could not be stored', () => {
    expect(reportDispatch('switch', [offline(1)])).toMatchObject({ tone: 'error', title: 'Could not switch h1' });
    const full: DispatchResult = { kind: 'not-stored', hostId: 'h', hostName: 'h', reason: 'the disk is full' };
    expect(reportDispatch('pull', [accepted(1), full])).toMatchObject({ tone: 'error', body: 'h: the disk is full' });
  });

  const SENTENCES: [OperationId, many: string, failed: string][] = [
    ['pull', 'Pull on 2 hosts started', 'Could not pull the configuration on h1'],
    ['switch', 'Switch on 2 hosts started', 'Could not switch h1'],
    ['pull-switch', 'Pull and switch on 2 hosts started', 'Could not pull and switch h1'],
    ['test', 'Test run on 2 hosts started', 'Could not run the tests on h1'],
    ['rollback', 'Rollback of 2 hosts started', 'Could not roll back h1'],
    ['update', 'Flake input update on 2 hosts started', 'Could not update the flake inputs on h1'],
    ['stop', 'Stop request sent to 2 hosts', 'Could not stop the running command on h1'],
    ['kill', 'Kill request sent to 2 hosts', 'Could not kill the running command on h1'],
    ['restart', 'Agent restart on 2 hosts started', 'Could not restart the agent on h1'],
    ['reboot', 'Reboot of 2 hosts started', 'Could not reboot h1'],
    ['check-version', 'Agent version check on 2 hosts started', 'Could not check the agent version on h1'],
    ['refresh-git', 'Git status refresh of 2 hosts started', 'Could not refresh the Git status of h1'],
    ['refresh-lock', 'Lock status refresh of 2 hosts started', 'Could not refresh the lock status of h1'],
    ['refresh-system', 'System check of 2 hosts started', 'Could not check the system of h1'],
    ['refresh-all', 'Status refresh of 2 hosts started', 'Could not refresh the status of h1'],
    ['force-update', 'Forced agent update on 2 hosts started', 'Could not force an agent update on h1'],
    ['boot', 'Next-boot preparation of 2 hosts started', 'Could not set the boot default of h1'],
    [
      'switch-generation',
      'Switch to another generation on 2 hosts started',
      'Could not switch h1 to another generation',
    ],
    ['set-color', 'Colour change of 2 hosts started', 'Could not change the colour of h1'],
    ['remove-host', 'Removal of 2 hosts started', 'Could not remove h1'],
  ];

  it.each(SENTENCES)('names the operation in whole sentences: %s', (operation, many, failed) => {
    const titles = [[accepted(1), accepted(2)], [offline(1)]].map(
      (results) => reportDispatch(operation, results)?.title,
    );
    expect(titles).toEqual([many, failed]);
  });

  it('has a sentence for every operation on hosts', () => {
    const onHosts = OPERATION_IDS.filter((id) => OPERATIONS[id].scope === 'host');
    expect(SENTENCES.map(([id]) => id).sort()).toEqual([...onHosts].sort());
  });
});
