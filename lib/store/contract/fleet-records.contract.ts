/** The contract of `FleetStore` for hosts and commands. */
import { describe, expect, it } from 'vitest';
import type { CommandRecord } from '@/lib/fleet/records/command-record';
import type { CommandState } from '@/lib/fleet/records/command-state';
import type { HostRecord } from '@/lib/fleet/records/host-record';
import type { FleetStore } from '@/lib/fleet/records/store-port';
import type { PolicyView } from '@/lib/protocol/live/views/policy-view';
import { endedCommand, testCommand, testHost, testOutput } from '../sqlite/testing/sample-records';
import {
  CONSTRAINT,
  LARGEST,
  LONE_SURROGATE,
  REPLACEMENT,
  throughClone,
  UNUSUAL_TEXT,
  type Open,
  useStore,
} from './contract';

const METRICS = { cpu: 1.5, ram: null, swap: 0, load: 0.25 };
const POLICY: PolicyView = {
  state: 'set',
  source: UNUSUAL_TEXT,
  problem: '',
  operations: ['pull'],
  hours: { zone: 'UTC', windows: [{ days: ['sun'], from: 1_320, to: 240 }] },
  branches: [UNUSUAL_TEXT],
  signers: [{ name: UNUSUAL_TEXT, key: '' }],
  moreSigners: LARGEST,
  oldestCommit: '',
  confirmed: true,
};
const REPORT = { status: 'ok', message: UNUSUAL_TEXT, saidAt: '', at: LARGEST, generation: UNUSUAL_TEXT } as const;
const RUNNING: CommandState = {
  phase: 'running',
  sentAt: LARGEST - 2,
  before: { generation: UNUSUAL_TEXT, storePath: '', binaryHash: 'x' },
  deadline: LARGEST - 1,
  hardDeadline: LARGEST,
  heard: true,
  accepted: false,
  quiet: 0,
  progress: { label: UNUSUAL_TEXT, current: 1, total: LARGEST },
};
const ENDED = { phase: 'ended', at: 5, outcome: 'failed', exitCode: 1, reason: 'No.' } as const;

export function fleetRecordsContract(name: string, open: Open<FleetStore>): void {
  describe(`hosts and commands: ${name}`, () => {
    let store: FleetStore;
    const { reopen } = useStore(open, (made) => (store = throughClone(made)));

    async function hostsById(): Promise<Map<string, HostRecord>> {
      return new Map((await store.load()).hosts.map((host) => [host.id, host]));
    }

    describe('hosts', () => {
      it('are loaded as they were stored, also across a reopening, and are replaced by id', async () => {
        const empty = testHost('', { name: '', location: '', osVersion: '' });
        const full = testHost(UNUSUAL_TEXT, {
          name: UNUSUAL_TEXT,
          themeColorPinned: true,
          heartbeatIntervalS: 2.5,
          protocol: LARGEST,
          lock: REPORT,
          system: { ...REPORT, status: 'error' },
          tests: { ...REPORT, message: 'x'.repeat(100_000) },
          policy: POLICY,
          metrics: METRICS,
          metricsAt: LARGEST,
          createdAt: LARGEST,
          lastSeenAt: LARGEST,
        });
        await store.commit({ hosts: [full, empty], commands: [testCommand('c', UNUSUAL_TEXT)] });
        await reopen();
        expect(await hostsById()).toEqual(new Map([full, empty].map((host) => [host.id, host])));
        const changed = {
          ...full,
          name: '',
          lock: null,
          policy: null,
          metrics: null,
          metricsAt: null,
          themeColorPinned: false,
        };
        await store.commit({ hosts: [changed] });
        expect((await hostsById()).get(UNUSUAL_TEXT)).toEqual(changed);
        expect(await store.command('c')).not.toBeNull();
      });

      it('may have the same name', async () => {
        await store.commit({ hosts: [testHost('a', { name: 'same' }), testHost('b', { name: 'same' })] });
        expect((await store.load()).hosts).toHaveLength(2);
      });

      it('are stored without their capabilities, and with the note that is stored', async () => {
        await store.commit({ hosts: [testHost('a', { capabilities: ['x'], note: 'another' })] });
        expect((await store.load()).hosts).toEqual([testHost('a')]);
      });
    });

    describe('system generations', () => {
      const generation = {
        number: 999_999_999,
        createdAt: LARGEST,
        nixosVersion: UNUSUAL_TEXT,
        kernelVersion: '',
        revision: UNUSUAL_TEXT,
        runs: true,
        nextBoot: false,
        booted: true,
      };
      const list = { at: LARGEST, total: LARGEST, generations: [generation, { ...generation, number: 1 }] };
      const write = (hostId: string, changed: typeof list) =>
        store.commit({ systemGenerations: [{ hostId, list: changed }] });

      it('are given as they were stored last, also across a reopening, for each host', async () => {
        await store.commit({ hosts: [testHost('a'), testHost(UNUSUAL_TEXT)] });
        expect(await store.systemGenerations('a')).toBeNull();
        await write(UNUSUAL_TEXT, list);
        await write('a', { at: 1, total: 0, generations: [] });
        await reopen();
        expect(await store.systemGenerations(UNUSUAL_TEXT)).toEqual(list);
        expect(await store.systemGenerations('a')).toEqual({ at: 1, total: 0, generations: [] });
        await write('a', { ...list, at: 2 });
        expect(await store.systemGenerations('a')).toEqual({ ...list, at: 2 });
        // A change of the host leaves them.
        await store.commit({ hosts: [testHost('a', { osVersion: 'x' })] });
        expect(await store.systemGenerations('a')).not.toBeNull();
        expect(await store.systemGenerations('nothing')).toBeNull();
      });

      it('need their host, and go with it', async () => {
        await expect(write('nothing', list)).rejects.toMatchObject(CONSTRAINT);
        await store.commit({ hosts: [testHost('a')], systemGenerations: [{ hostId: 'a', list }] });
        await store.commit({ removedHosts: ['a'] });
        expect(await store.systemGenerations('a')).toBeNull();
      });
    });

    describe('commands', () => {
      const all = (id: string): CommandRecord => ({
        ...testCommand(id, 'a'),
        state: RUNNING,
        requestId: UNUSUAL_TEXT,
        targetId: UNUSUAL_TEXT,
        forced: true,
        userId: '',
        userName: UNUSUAL_TEXT,
        address: '',
        createdAt: LARGEST,
        startedAt: LARGEST,
        lines: LARGEST,
        agentSeq: LARGEST,
        outputSize: LARGEST,
        outputTruncated: true,
        args: { [UNUSUAL_TEXT]: [UNUSUAL_TEXT, LARGEST, -0.125, null, true, { '': '\0' }], surrogate: LONE_SURROGATE },
        pipelineId: UNUSUAL_TEXT,
      });

      it('are given as they were stored, also across a reopening, and are replaced by id', async () => {
        const running = all(UNUSUAL_TEXT);
        await store.commit({ hosts: [testHost('a')], commands: [running], output: [testOutput(UNUSUAL_TEXT, 1, 2)] });
        await reopen();
        expect(await store.command(UNUSUAL_TEXT)).toEqual(running);
        expect(await store.commandsByRequest(UNUSUAL_TEXT, ['a'])).toEqual([running]);
        expect(await store.commandsOf('a', 10)).toEqual([running]);
        expect((await store.load()).commands).toEqual([running]);
        expect(await store.command('nothing')).toBeNull();
        const end = { state: { ...ENDED, reason: UNUSUAL_TEXT, at: LARGEST }, outcome: ENDED.outcome, args: null };
        const ended = { ...running, ...end, exitCode: LARGEST, reason: UNUSUAL_TEXT, endedAt: LARGEST };
        await store.commit({ commands: [ended] });
        expect(await store.command(UNUSUAL_TEXT)).toEqual(ended);
        expect(await store.load()).toMatchObject({ commands: [], lastEnded: [ended] });
        expect(await store.output(UNUSUAL_TEXT, 0, 10)).toHaveLength(2);
      });

      it('keep NUL and empty text; half a character becomes a replacement outside JSON', async () => {
        const nul = testCommand('a\0b', 'a', { reason: 'x\0y', userName: '', requestId: '\0' });
        const half = testCommand(`a${LONE_SURROGATE}b`, 'a', {
          reason: `${LONE_SURROGATE}y`,
          userName: LONE_SURROGATE,
        });
        await store.commit({ hosts: [testHost('a')], commands: [nul, half] });
        expect(await store.command('a\0b')).toEqual(nul);
        expect(await store.command('a')).toBeNull();
        expect(await store.commandsByRequest('\0', ['a'])).toEqual([nul]);
        const stored = {
          ...half,
          id: `a${REPLACEMENT}b`,
          reason: `${REPLACEMENT}y`,
          userName: REPLACEMENT,
          requestId: `request-a${REPLACEMENT}b`,
        };
        expect(await store.command(half.id)).toEqual(stored);
        expect(await store.command(stored.id)).toEqual(stored);
      });

      it('are found by an id with half a character, as it is stored', async () => {
        const [hostId, id] = [`host ${LONE_SURROGATE}`, `command ${LONE_SURROGATE}`];
        const [storedHostId, storedId] = [`host ${REPLACEMENT}`, `command ${REPLACEMENT}`];
        await store.commit({ hosts: [testHost(hostId)], commands: [testCommand(id, hostId)] });
        await store.commit({ output: [testOutput(id, 1, 2)] });
        expect([...(await hostsById()).keys()]).toEqual([storedHostId]);
        const stored = testCommand(storedId, storedHostId);
        for (const known of [hostId, storedHostId]) {
          expect(await store.commandsOf(known, 10)).toEqual([stored]);
          expect(await store.commandsByRequest(`request-${id}`, [known])).toEqual([stored]);
        }
        expect(await store.output(id, 0, 10)).toEqual(testOutput(id, 1, 2).lines);
        await expect(store.commit({ output: [testOutput(id, 2, 3)] })).rejects.toMatchObject(CONSTRAINT);
        expect(await store.forgetSome(hostId, 10)).toBeGreaterThan(0);
        await store.commit({ removedHosts: [hostId] });
        expect(await store.load()).toEqual({ hosts: [], commands: [], lastEnded: [] });
      });

      it('are unique by host and request, also when asked for at the same moment', async () => {
        await store.commit({ hosts: [testHost('a'), testHost('b')] });
        const results = await Promise.allSettled(
          Array.from({ length: 10 }, (_, index) =>
            store.commit({ commands: [testCommand(`c${index}`, 'a', { requestId: 'r' })] }),
          ),
        );
        expect(results.map(({ status }) => status)).toEqual(['fulfilled', ...Array<string>(9).fill('rejected')]);
        await store.commit({ commands: [testCommand('other', 'b', { requestId: 'r' })] });
        const found = await store.commandsByRequest('r', ['b', 'nothing', 'a']);
        expect(found.map(({ id }) => id).sort()).toEqual(['c0', 'other']);
        expect((await store.commandsByRequest('r', ['b'])).map(({ id }) => id)).toEqual(['other']);
        expect(await store.commandsByRequest('r', [])).toEqual([]);
        expect(await store.commandsByRequest('nothing', ['a', 'b'])).toEqual([]);
      });

      it('are listed newest first, the last stored first within one moment', async () => {
        const at = (id: string, createdAt: number, hostId = 'a') => testCommand(id, hostId, { createdAt });
        const commands = [at('2', 20), at('other', 25, 'b'), at('1', 10), at('3', 30), at('3, later', 30)];
        await store.commit({ hosts: [testHost('a'), testHost('b')], commands });
        const listed = async (limit: number) => (await store.commandsOf('a', limit)).map(({ id }) => id);
        expect(await listed(10)).toEqual(['3, later', '3', '2', '1']);
        expect(await listed(2)).toEqual(['3, later', '3']);
        expect(await store.commandsOf('nothing', 10)).toEqual([]);
      });

      it('that have not ended are loaded oldest first, in the order of storing within one moment', async () => {
        const at = (id: string, hostId: string, createdAt: number) => testCommand(id, hostId, { createdAt });
        const commands = [at('z', 'b', 5), at('y', 'a', 5), at('x', 'b', 5), at('old', 'b', 1), at('w', 'a', 5)];
        await store.commit({ hosts: [testHost('a'), testHost('b')], commands });
        // A change does not move a command back.
        await store.commit({ commands: [testCommand('z', 'b', { createdAt: 5, state: RUNNING })] });
        await reopen();
        expect((await store.load()).commands.map(({ id }) => id)).toEqual(['old', 'z', 'y', 'x', 'w']);
      });

      it('that ended last are loaded, one for each host that ran one', async () => {
        const withdrawn = (id: string, outcome: 'cancelled' | 'superseded') =>
          endedCommand(id, 'a', 200, { outcome, state: { ...ENDED, outcome } });
        await store.commit({
          hosts: ['a', 'b', 'c', 'd'].map((id) => testHost(id)),
          commands: [
            endedCommand('a1', 'a', 90, { createdAt: 1 }),
            endedCommand('a2', 'a', 80, { createdAt: 2 }),
            endedCommand('stop', 'a', 200, { operation: 'stop', targetId: 'a1' }),
            endedCommand('by the dashboard', 'a', 200, { operation: 'remove-host' }),
            withdrawn('cancelled', 'cancelled'),
            withdrawn('superseded', 'superseded'),
            endedCommand('b1', 'b', 5),
            endedCommand('b2', 'b', 5),
            testCommand('c1', 'c'),
          ],
        });
        await reopen();
        const { commands, lastEnded } = await store.load();
        expect(commands.map(({ id }) => id)).toEqual(['c1']);
        expect(lastEnded.map(({ id }) => id).sort()).toEqual(['a1', 'b2']);
      });

      it('that were requested since a time are found by operation and host, the last of each', async () => {
        const rollback = (id: string, hostId: string, createdAt: number, outcome: 'cancelled' | 'failed' = 'failed') =>
          endedCommand(id, hostId, createdAt, {
            ...{ operation: 'rollback', createdAt, outcome, state: { ...ENDED, outcome } },
          });
        await store.commit({
          hosts: ['a', 'b', 'c'].map((id) => testHost(id)),
          commands: [
            rollback('a1', 'a', 10),
            rollback('a2', 'a', 12),
            rollback('b1', 'b', 10, 'cancelled'),
            rollback('c1', 'c', 9),
            testCommand('c2', 'c', { operation: 'reboot', createdAt: 11 }),
            testCommand('c3', 'c', { operation: 'pull', createdAt: 11 }),
          ],
        });
        await reopen();
        const found = await store.requestsSince(['rollback', 'reboot'], 10);
        expect(found.sort((one, other) => (one.hostId < other.hostId ? -1 : 1))).toEqual([
          { operation: 'rollback', hostId: 'a', at: 12 },
          { operation: 'rollback', hostId: 'b', at: 10 },
          { operation: 'reboot', hostId: 'c', at: 11 },
        ]);
        expect(await store.requestsSince([], 0)).toEqual([]);
      });
    });
  });
}
