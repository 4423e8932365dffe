/** Samples of the events in `command-event-kinds.ts`. */
import type { COMMAND_EVENT_KINDS } from '../../events/command-event-kinds';
import { SAMPLE_TIME, type EventSamples } from './event-sample';

export const COMMAND_EVENT_SAMPLES: EventSamples<keyof typeof COMMAND_EVENT_KINDS> = {
  'command.requested': [
    { params: { operation: 'pull', forced: false }, hostName: 'web', sentence: 'The pull on web was requested.' },
    {
      params: { operation: 'switch-generation', generation: 12, forced: false, args: { generation: 12 } },
      hostName: 'web',
      sentence: 'The switch to generation 12 on web was requested.',
    },
    {
      params: { operation: 'set-color', forced: true, args: { color: '#7aa2f7' } },
      hostName: 'web',
      sentence: 'The colour change of web was requested despite a failed precondition.',
    },
  ],
  'command.queued': [
    {
      params: { operation: 'switch', waitsFor: 'connection', expiresAt: SAMPLE_TIME },
      hostName: 'web',
      sentence: 'The switch on web is queued until the host is online. It expires at 2026-01-02T03:04:05.000Z.',
    },
    {
      params: { operation: 'pull-switch', waitsFor: 'poll', expiresAt: SAMPLE_TIME },
      hostName: 'web',
      sentence:
        'The pull and switch on web is queued until its version-1 agent polls. It expires at 2026-01-02T03:04:05.000Z.',
    },
  ],
  'command.dequeued': [
    {
      params: { operation: 'rollback', requestedBy: 'ada' },
      hostName: 'web',
      sentence: 'web is back online: the rollback requested by ada was sent.',
    },
  ],
  'command.handed-out': [
    {
      params: { operation: 'pull-switch', requestedBy: 'ada' },
      hostName: 'web',
      sentence: 'The version-1 agent of web fetched the pull and switch requested by ada.',
    },
  ],
  'command.cancelled': [
    {
      params: { operation: 'reboot' },
      hostName: 'web',
      sentence: 'The reboot of web was cancelled before it was sent.',
    },
  ],
  'command.blocked': [
    {
      params: { request: 'operation', operation: 'pull', code: 'offline', reason: 'web is offline.' },
      hostName: 'web',
      sentence: 'The pull on web was refused: web is offline.',
    },
    {
      params: { request: 'unknown-host', operation: 'pull' },
      sentence: 'The pull was refused: there is no such host.',
    },
    {
      params: { request: 'add-host', name: 'a "b"', code: 'known', reason: 'It already exists.' },
      sentence: 'Adding the host "a \\"b\\"" was refused: It already exists.',
    },
  ],
  'command.answered': [
    {
      params: { operation: 'switch', answer: 'keep' },
      hostName: 'web',
      sentence: 'The new system of web was kept by an operator: the switch no longer waits for its checks.',
    },
    {
      params: { operation: 'switch', answer: 'revert' },
      hostName: 'web',
      sentence: 'The switch on web was reverted by an operator: the host returns to the previous system.',
    },
  ],
  'command.extended': [
    {
      params: { operation: 'switch', minutes: 1 },
      hostName: 'web',
      sentence: 'The deadline of the switch on web was extended by 1 minute.',
    },
    {
      params: { operation: 'switch', minutes: 30 },
      hostName: 'web',
      sentence: 'The deadline of the switch on web was extended by 30 minutes.',
    },
  ],
  'command.warning': [
    {
      params: { operation: 'switch', why: 'It takes longer than expected.' },
      hostName: 'web',
      sentence: 'The switch on web needs attention. It takes longer than expected.',
    },
  ],
  'command.ended': [
    {
      params: { operation: 'pull', outcome: 'succeeded', exitCode: 0, reason: '' },
      hostName: 'web',
      sentence: 'The pull on web succeeded.',
    },
    {
      params: { operation: 'switch', outcome: 'failed', exitCode: 4, reason: 'A unit failed.' },
      hostName: 'web',
      sentence: 'The switch on web failed (exit code 4). A unit failed.',
    },
    {
      params: { operation: 'switch', outcome: 'failed', exitCode: 4, reason: 'It ended with exit code 4.' },
      hostName: 'web',
      sentence: 'The switch on web failed. It ended with exit code 4.',
    },
    {
      params: { operation: 'reboot', outcome: 'lost', exitCode: null, reason: 'The agent does not know it.' },
      hostName: 'web',
      sentence: 'The reboot of web ended with an unknown result. The agent does not know it.',
    },
    {
      params: {
        operation: 'switch',
        outcome: 'refused',
        exitCode: 77,
        reason: 'Refused by the host: the commit 3c9a808 is not signed.',
      },
      hostName: 'web',
      sentence: 'The switch on web was refused by the host: the commit 3c9a808 is not signed.',
    },
    {
      params: {
        operation: 'switch',
        outcome: 'refused',
        exitCode: 77,
        reason: 'The host accepts only confirmed switches.',
      },
      hostName: 'web',
      sentence: 'The switch on web was refused by the host. The host accepts only confirmed switches.',
    },
  ],
  'command.late-result': [
    {
      params: { operation: 'pull', outcome: 'succeeded', reason: 'The host is up to date. The result arrived late.' },
      hostName: 'web',
      sentence: 'The pull on web succeeded. The host is up to date. The result arrived late.',
    },
  ],
};
