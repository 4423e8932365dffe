/** Confirmed switches of the real agent under the real systemd. The fifth boot goes on with the last of them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addScriptUnit, BOOT, NOTHING_LEFT, rebootMachine, systemctl, WAIT, type Machine } from './machine';

const CHECKS = { units: { settle: 0 }, tests: 'off' };
/** The shortest window. */
const WINDOW = { confirm: { window_s: 60 } };
/** The window and the activation of the previous system. */
const PATIENT = { timeout: 110_000 };

describe.skipIf(BOOT !== 'fourth')(
  'a confirmed switch under systemd (skipped where no container can be booted)',
  () => {
    let machine: Machine;
    let old = '';
    beforeAll(async () => {
      machine = await rebootMachine();
      machine.reset();
      machine.dashboard.settings.accepts = ['confirmation'];
      await machine.startAgent();
    });
    afterEach(() => machine.reset());
    afterAll(() => machine.stop());

    /** Activates a new system, up to its window. */
    async function tries(version: string, id: string, checks: object = CHECKS): Promise<void> {
      old = machine.running();
      machine.configure({ version, checks });
      machine.dashboard.command('pull-switch', id, WINDOW);
      await machine.dashboard.frame(
        'confirmation',
        ({ command_id: of, stage, checks: found }) =>
          of === id && stage === 'waiting' && found.every(({ status }) => status !== 'pending'),
      );
      expect(machine.version()).toBe(version);
    }
    const keep = (id: string) => machine.dashboard.send('confirm', { command_id: id, keep: true, by_operator: false });

    it('is kept when it is confirmed in time, and its timer is gone', async () => {
      await tries('40', 'confirmed-kept');
      expect(machine.bootDefault()).toBe(old);
      keep('confirmed-kept');
      expect(await machine.result('confirmed-kept')).toMatchObject({ status: 'ok', restarting: false });
      expect([machine.version(), machine.bootDefault()]).toEqual(['40', machine.running()]);
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    });

    it('goes back by itself without a confirmation, and says why', async () => {
      await tries('41', 'confirmed-away');
      await expect.poll(() => machine.running(), PATIENT).toBe(old);
      expect(await machine.result('confirmed-away')).toMatchObject({ status: 'error', rolled_back: 'no-contact' });
      expect(machine.bootDefault()).toBe(old);
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    }, 180_000);

    it('goes back because of a unit that fails, with its lines from the journal', async () => {
      old = machine.running();
      addScriptUnit('broken-42.service', 'echo words of the unit; exit 3');
      machine.configure({ version: '42', checks: CHECKS });
      machine.does('systemctl daemon-reload', 'systemctl start broken-42.service || :');
      machine.dashboard.command('pull-switch', 'confirmed-unit', WINDOW);
      expect(await machine.result('confirmed-unit')).toMatchObject({
        rolled_back: 'check-failed',
        message: 'units failed: broken-42.service',
      });
      expect(machine.running()).toBe(old);
      expect(machine.output('confirmed-unit').join('\n')).toContain('words of the unit');
      systemctl('reset-failed', 'broken-42.service');
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    });

    it('goes on after SIGKILL of the agent’s cgroup in the window, and is kept', async () => {
      await tries('43', 'confirmed-killed');
      const from = machine.dashboard.received.length;
      await machine.killAgent();
      await machine.dashboard.frame('confirmation', ({ stage }) => stage === 'waiting', from);
      keep('confirmed-killed');
      expect(await machine.result('confirmed-killed')).toMatchObject({ status: 'ok' });
      expect(machine.version()).toBe('43');
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    });

    it('goes back without any agent, as after a system that removes it, and the agent of the previous system reports it', async () => {
      await tries('44', 'confirmed-removed');
      systemctl('stop', 'nixfleet-agent.service');
      await expect.poll(() => machine.running(), PATIENT).toBe(old);
      await machine.startAgent();
      const result = await machine.result('confirmed-removed');
      expect([result.status, result.rolled_back]).toEqual(['error', 'no-contact']);
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    }, 180_000);

    it('is kept when its confirmation was lost on the way and is repeated', async () => {
      await tries('45', 'confirmed-lost');
      machine.holds('disarm');
      keep('confirmed-lost');
      await machine.appears('held', 'disarm.waits');
      machine.reset();
      const from = machine.dashboard.received.length;
      await machine.killAgent();
      await machine.dashboard.frame('confirmation', ({ stage }) => stage === 'waiting', from);
      keep('confirmed-lost');
      expect(await machine.result('confirmed-lost')).toMatchObject({ status: 'ok' });
      expect(machine.version()).toBe('45');
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    });

    it('continues while systemd re-executes', async () => {
      await tries('46', 'confirmed-reexec');
      systemctl('daemon-reexec');
      keep('confirmed-reexec');
      expect(await machine.result('confirmed-reexec')).toMatchObject({ status: 'ok' });
      expect(machine.bootDefault()).toBe(machine.running());
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    });

    it('waits for its confirmation when the machine restarts (the fifth boot checks the result)', async () => {
      await tries('47', 'confirmed-restarted');
      expect(machine.bootDefault()).toBe(old);
    });
  },
);
