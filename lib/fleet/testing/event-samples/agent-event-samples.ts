/** Samples of the events in `agent-event-kinds.ts`. */
import type { AGENT_EVENT_KINDS } from '../../events/agent-event-kinds';
import { SAMPLE_ADDRESS, type EventSamples } from './event-sample';

export const AGENT_EVENT_SAMPLES: EventSamples<keyof typeof AGENT_EVENT_KINDS> = {
  'agent.connected': [
    { params: { polls: false, version: '4.1.0' }, hostName: 'web', sentence: 'Agent 4.1.0 connected.' },
    { params: { polls: false, version: '' }, hostName: 'web', sentence: 'Agent of unknown version connected.' },
    { params: { polls: true, version: '1.9' }, hostName: 'web', sentence: 'The version-1 agent 1.9 started polling.' },
    { params: { polls: true, version: '' }, hostName: 'web', sentence: 'The version-1 agent started polling.' },
  ],
  'agent.disconnected': [
    { params: { how: 'closed', code: 1006, reason: '' }, hostName: 'web', sentence: 'The connection ended (1006).' },
    {
      params: { how: 'closed', code: 1001, reason: 'restarting' },
      hostName: 'web',
      sentence: 'The connection ended (1001, restarting).',
    },
    { params: { how: 'stopped-polling' }, hostName: 'web', sentence: 'The version-1 agent stopped polling.' },
  ],
  'agent.unsteady': [
    {
      params: { connects: 20 },
      hostName: 'web',
      sentence:
        'The agent connected more than 20 times within an hour: further connect and disconnect events are suppressed for this hour. Check its log and the network.',
    },
  ],
  'agent.held': [
    {
      params: { reason: 'bad-name', shown: '' },
      sentence:
        'An agent registered without a host name. A host name has letters, digits and hyphens, at most 63 characters.',
    },
    {
      params: { reason: 'bad-name', shown: 'a b' },
      sentence:
        'An agent registered with the invalid host name "a b". A host name has letters, digits and hyphens, at most 63 characters.',
    },
    {
      params: { reason: 'foreign-token', name: 'web', address: '198.51.100.1', owner: 'db' },
      sentence:
        'An agent at 198.51.100.1 uses the token of db but registers as web. A host token is valid for one host only: create one for web, or correct NIXFLEET_HOSTNAME on the host.',
    },
    {
      params: { reason: 'foreign-token', name: 'web', address: '198.51.100.1', owner: null },
      sentence:
        'An agent at 198.51.100.1 uses the token of a host that was removed but registers as web. A host token is valid for one host only: create one for web, or correct NIXFLEET_HOSTNAME on the host.',
    },
    {
      params: { reason: 'refused', name: 'web', address: '198.51.100.1' },
      sentence: 'web, a new host at 198.51.100.1, was refused. You can admit it under Settings, Hosts and tokens.',
    },
    {
      params: { reason: 'approval', name: 'web', address: '198.51.100.1' },
      sentence: 'web, a new host at 198.51.100.1, is waiting for approval: see Settings, Hosts and tokens.',
    },
    {
      params: { reason: 'fleet-full', name: 'web', maxHosts: 4_096 },
      sentence: 'The new host web was not admitted: the fleet already has 4096 hosts.',
    },
    {
      params: { reason: 'leaving', name: 'web' },
      sentence: 'web is being removed. When that is done, its agent is treated as a new host.',
    },
    {
      params: { reason: 'own-token', name: 'web', address: '198.51.100.1' },
      sentence:
        'web has a host token, but an agent at 198.51.100.1 uses the shared token. Give the agent the host token, or revoke it under Settings, Hosts and tokens.',
    },
    {
      params: { reason: 'duplicate', name: 'web', present: '198.51.100.1', address: '198.51.100.2' },
      sentence: 'Two agents register as web: one at 198.51.100.1, one at 198.51.100.2.',
    },
    {
      params: { reason: 'outdated-agent', name: 'web' },
      hostName: 'web',
      sentence: 'A version-1 agent still polls for web, which has a current agent: remove the version-1 agent.',
    },
  ],
  'agent.limit': [
    {
      params: { closed: 1, ofAddress: 1 },
      sentence: `1 agent connection from ${SAMPLE_ADDRESS} was closed because it had not registered. See Settings, About.`,
    },
    {
      params: { closed: 40, ofAddress: 38 },
      sentence: `40 agent connections were closed because they had not registered, 38 of them from ${SAMPLE_ADDRESS}. See Settings, About.`,
    },
  ],
  'agent.fault': [
    {
      params: { fault: 'unreadable', problem: 'the frame (3 characters) is not JSON' },
      hostName: 'web',
      sentence: 'A frame could not be read: the frame (3 characters) is not JSON.',
    },
    {
      params: { fault: 'unknown-type', type: 'hello' },
      hostName: 'web',
      sentence: 'A frame of the unknown type "hello" was ignored.',
    },
    { params: { fault: 'binary' }, sentence: 'A binary frame was ignored: the protocol has text frames only.' },
    {
      params: { fault: 'unregistered', type: 'status' },
      sentence: 'A status frame arrived before the agent registered; it was ignored.',
    },
    {
      params: { fault: 'registered-twice' },
      hostName: 'web',
      sentence: 'The agent registered twice on one connection; the second frame was ignored.',
    },
    {
      params: { fault: 'too-large', maxMiB: 1 },
      sentence: 'A frame of more than 1 MiB was refused and the connection closed.',
    },
    {
      params: { fault: 'too-many-bytes-before-registering', maxKiB: 64 },
      sentence: 'The connection was closed: it sent more than 64 KiB before registering.',
    },
    {
      params: { fault: 'too-many-unreadable', max: 20 },
      sentence:
        'The connection was closed: more than 20 frames could not be read. Check the agent’s version and whether something else uses its token.',
    },
  ],
  'agent.policy': [
    { params: { before: null, now: 'set', problem: '' }, hostName: 'web', sentence: 'The host follows a policy.' },
    { params: { before: 'none', now: 'set', problem: '' }, hostName: 'web', sentence: 'The host follows a policy.' },
    {
      params: { before: 'set', now: 'set', problem: '' },
      hostName: 'web',
      sentence: 'The policy of the host has changed.',
    },
    {
      params: { before: 'set', now: 'none', problem: '' },
      hostName: 'web',
      sentence: 'The host has no policy any more: it accepts everything.',
    },
    {
      params: { before: 'set', now: 'unreadable', problem: 'is not JSON' },
      hostName: 'web',
      sentence:
        'The policy of the host can’t be used, so the host refuses every operation that would change it: is not JSON.',
    },
  ],
  'agent.report': [
    { params: { status: 'ok', words: '' }, hostName: 'web', sentence: 'The version-1 agent reported ok' },
    {
      params: { status: 'error', words: 'no space left' },
      hostName: 'web',
      sentence: 'The version-1 agent reported error: no space left',
    },
  ],
};
