/** Events of every code with the sentences that pages show: each form of the parameters at least once. */
import type { EventCode, EventParams } from '../events/event-table';

export interface EventSample<Code extends EventCode> {
  params: EventParams<Code>;
  /** The host of the event; empty for none. */
  hostName?: string;
  sentence: string;
}

/** The address of every sample. */
export const SAMPLE_ADDRESS = '192.0.2.7';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const UPDATE = { number: 7, title: 'flake.lock: Update', repo: 'ada/nixcfg', forge: 'GitHub' };
const PIPELINE = { pipelineId: 'p1', kind: 'do-all' as const, stages: ['pull' as const, 'switch' as const] };

export const EVENT_SAMPLES: { readonly [Code in EventCode]: readonly EventSample<Code>[] } = {
  'command.requested': [
    { params: { operation: 'pull', forced: false }, hostName: 'web', sentence: 'The pull on web was requested.' },
    {
      params: { operation: 'set-color', forced: true, args: { color: '#7aa2f7' } },
      hostName: 'web',
      sentence: 'The colour change of web was requested despite a failed precondition.',
    },
  ],
  'command.queued': [
    {
      params: { operation: 'switch', waitsFor: 'connection', expiresAt: AT },
      hostName: 'web',
      sentence: 'The switch on web is queued until the host is online. It expires at 2026-01-02T03:04:05.000Z.',
    },
    {
      params: { operation: 'pull-switch', waitsFor: 'poll', expiresAt: AT },
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
  ],
  'command.late-result': [
    {
      params: { operation: 'pull', outcome: 'succeeded', reason: 'The host is up to date. The result arrived late.' },
      hostName: 'web',
      sentence: 'The pull on web succeeded. The host is up to date. The result arrived late.',
    },
  ],
  'pipeline.started': [
    {
      params: { ...PIPELINE, hosts: 1, skipped: 0 },
      sentence: 'The pipeline “Do all” (pull, switch) was started on 1 host.',
    },
    {
      params: { ...PIPELINE, kind: 'custom', hosts: 3, skipped: 2 },
      sentence: 'The pipeline “Custom” (pull, switch) was started on 3 hosts; 2 hosts skipped.',
    },
  ],
  'pipeline.cancelled': [
    {
      params: { ...PIPELINE, stopRunning: true },
      sentence: 'The pipeline “Do all” was cancelled. Running commands are being stopped.',
    },
    {
      params: { ...PIPELINE, stopRunning: false },
      sentence: 'The pipeline “Do all” was cancelled. Running commands continue until they end.',
    },
  ],
  'pipeline.ended': [
    {
      params: { ...PIPELINE, outcome: 'partial', reason: '1 of 2 hosts failed.' },
      sentence: 'The pipeline “Do all” was partly done. 1 of 2 hosts failed.',
    },
  ],
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
  'host.removed': [
    {
      params: {},
      hostName: 'web',
      sentence:
        'web was removed, together with its commands, their output and its metrics. An agent that connects with this name becomes a new host.',
    },
  ],
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
  'agent.report': [
    { params: { status: 'ok', words: '' }, hostName: 'web', sentence: 'The version-1 agent reported ok' },
    {
      params: { status: 'error', words: 'no space left' },
      hostName: 'web',
      sentence: 'The version-1 agent reported error: no space left',
    },
  ],
  'auth.setup': [
    { params: { secondFactor: true }, sentence: 'Password and second factor were set.' },
    { params: { secondFactor: false }, sentence: 'The password was set.' },
  ],
  'auth.setup.refused': [{ params: {}, sentence: 'The set-up page was opened with a wrong or used code.' }],
  'auth.configured': [
    {
      params: {},
      sentence: 'The password or second factor set by the environment has changed: all sessions ended.',
    },
  ],
  'auth.sign-in': [{ params: { session: 's1', userAgent: 'Firefox' }, sentence: 'Signed in.' }],
  'auth.sign-in.refused': [
    { params: { wrong: 'password', userAgent: 'Firefox' }, sentence: 'Sign-in refused: wrong password.' },
    {
      params: { wrong: 'code', userAgent: 'Firefox' },
      sentence: 'Sign-in refused: right password, wrong or used code.',
    },
  ],
  'auth.unlocked': [{ params: {}, sentence: 'The failed sign-in attempts were cleared.' }],
  'auth.sign-out': [{ params: { session: 's1' }, sentence: 'Signed out.' }],
  'auth.session.ended': [
    { params: { session: 's1' }, sentence: 'Ended another session.' },
    { params: { ended: 1 }, sentence: 'Ended the other session.' },
    { params: { ended: 3 }, sentence: 'Ended all 3 other sessions.' },
  ],
  'auth.step-up': [
    {
      params: { session: 's1', purpose: 'Reboot of 3 hosts', how: 'totp' },
      sentence: 'Confirmed their identity. Requested: Reboot of 3 hosts.',
    },
  ],
  'auth.step-up.refused': [
    {
      params: { session: 's1', purpose: 'Reboot of 3 hosts' },
      sentence: 'Confirmation refused: the code or password was wrong or already used. Requested: Reboot of 3 hosts.',
    },
  ],
  'auth.recovery-code': [
    { params: { for: 'sign-in' }, sentence: 'A recovery code was used to sign in.' },
    { params: { for: 'step-up' }, sentence: 'A recovery code was used in place of a code from the app.' },
  ],
  'auth.recovery-codes': [
    { params: {}, sentence: 'New recovery codes were created; the previous ones no longer work.' },
  ],
  'auth.password.changed': [
    { params: { session: 's1', endedSessions: 0 }, sentence: 'The password was changed.' },
    { params: { session: 's1', endedSessions: 1 }, sentence: 'The password was changed. 1 other session ended.' },
    { params: { session: 's1', endedSessions: 2 }, sentence: 'The password was changed. 2 other sessions ended.' },
  ],
  'auth.totp.enrolled': [{ params: { session: 's1', endedSessions: 0 }, sentence: 'A second factor was set up.' }],
  'auth.totp.replaced': [{ params: { session: 's1', endedSessions: 0 }, sentence: 'The second factor was replaced.' }],
  'auth.totp.removed': [
    {
      params: { session: 's1', endedSessions: 0 },
      sentence: 'The second factor was removed: signing in needs only the password.',
    },
  ],
  'agent-token.created': [{ params: {}, hostName: 'web', sentence: 'A token was created for web.' }],
  'agent-token.revoked': [{ params: {}, hostName: 'web', sentence: 'A token of web was revoked.' }],
  'enrolment.created': [
    { params: { hostName: 'web' }, sentence: 'An enrolment code was created for web.' },
    { params: { hostName: null }, sentence: 'An enrolment code was created for any host.' },
  ],
  'enrolment.revoked': [
    { params: { hostName: 'web' }, sentence: 'An enrolment code for web was revoked.' },
    { params: { hostName: null }, sentence: 'An enrolment code for any host was revoked.' },
  ],
  'enrolment.refused': [
    {
      params: { why: 'wrong-code', hostName: 'web', furtherSuppressed: false },
      sentence: `An enrolment of web from ${SAMPLE_ADDRESS} was refused: its code is wrong, used or expired.`,
    },
    {
      params: { why: 'not-allowed', message: 'web was refused by the operator.', furtherSuppressed: true },
      sentence: `An enrolment from ${SAMPLE_ADDRESS} was refused. web was refused by the operator. Further refusals are suppressed for this hour.`,
    },
  ],
  'agents.rule': [
    { params: { rule: 'sharedToken', value: true }, sentence: 'The shared agent token is accepted again.' },
    { params: { rule: 'sharedToken', value: false }, sentence: 'The shared agent token is refused from now on.' },
    { params: { rule: 'approval', value: true }, sentence: 'New hosts wait for approval from now on.' },
    { params: { rule: 'approval', value: false }, sentence: 'New hosts are admitted without approval from now on.' },
  ],
  'agent.refused': [
    {
      params: { token: 'none', furtherSuppressed: false },
      sentence: `An agent at ${SAMPLE_ADDRESS} was refused: it sent no token. It keeps trying; this event is recorded once an hour.`,
    },
    {
      params: { token: 'not-valid', furtherSuppressed: true },
      sentence: `An agent at ${SAMPLE_ADDRESS} was refused: its token is wrong, expired or revoked. It keeps trying; this event is recorded once an hour. Further refusals are suppressed for this hour.`,
    },
  ],
  'agent.shared-token-refused': [
    {
      params: { furtherSuppressed: false },
      sentence: `An agent at ${SAMPLE_ADDRESS} was refused: it used the shared token, which is not accepted. Create a token for its host.`,
    },
  ],
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
      params: { upTo: 5, hash: '0f', eventDays: 400, eventRows: 1_000_000 },
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
      params: { takenAt: AT, restoredAt: AT + 1 },
      sentence:
        'The database was restored from the backup of 2026-01-02T03:04:05.000Z: what happened later is not in it.',
    },
    {
      params: { takenAt: 0, restoredAt: AT + 1 },
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
      params: { from: 'NixFleet 3.1.5', hosts: 3, problems: 0, sharedNames: 1, backup: 'copy.db', report: { at: AT } },
      sentence:
        'The database of NixFleet 3.1.5 was adopted: 3 hosts; 0 values were not valid. The untouched copy is copy.db.',
    },
  ],
  'events.summed': [
    {
      params: {
        since: AT,
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
        since: AT,
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
        since: AT,
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
        since: AT,
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
