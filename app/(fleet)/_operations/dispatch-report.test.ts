import { describe, expect, it } from 'vitest';
import { reportDispatch } from './dispatch-report';
import type { DispatchResult } from '@/lib/fleet/records/requests';

const accepted = (n: number): DispatchResult => ({
  kind: 'accepted',
  hostId: `h${n}`,
  hostName: `h${n}`,
  commandId: `c${n}`,
});
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
      title: 'Pull started on 2 hosts',
      body: '',
    });
  });

  it('lists why hosts were skipped, and counts what does not fit', () => {
    const results = [accepted(0), ...[1, 2, 3, 4, 5, 6].map(offline)];
    const report = reportDispatch('pull', results);
    expect(report).toMatchObject({ tone: 'warning', title: 'Pull started on 1 of 7 hosts' });
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
});
