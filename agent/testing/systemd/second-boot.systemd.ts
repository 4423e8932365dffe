/** What the agent finds after a restart of the machine; and a new execution of systemd, which may hang, at the very end. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BOOT, NOTHING_LEFT, rebootMachine, WAIT, type Machine } from './machine';

describe.skipIf(BOOT !== 'second')(
  'a switch and a restart of systemd (skipped where no container can be booted)',
  () => {
    let machine: Machine;
    beforeAll(async () => {
      machine = await rebootMachine();
      machine.reset();
      await machine.startAgent();
    });
    afterEach(() => machine.reset());
    afterAll(() => machine.stop());

    it('that the restart of the machine interrupted is not done, and the host is free', async () => {
      expect(await machine.result('reboot')).toMatchObject({
        status: 'error',
        exit_code: 137,
        message: `the host restarted during the activation; ${machine.running()} runs`,
      });
      // What came before it, the dashboard of the first boot has.
      const lines = machine.dashboard.lines('reboot').map(({ line }) => line);
      expect(lines).toContain('stopping the following units: b.service');
      expect(machine.version()).not.toBe('16');
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
      machine.dashboard.command('switch', 'again');
      expect(await machine.result('again')).toMatchObject({ status: 'ok' });
      expect(machine.version()).toBe('16');
    });

    it('goes on while systemd executes itself anew and the agent restarts', async () => {
      machine.configure({ version: '17' });
      machine.does(
        'echo before',
        'timeout 60 systemctl daemon-reexec',
        'systemctl restart nixfleet-agent.service',
        'echo after',
      );
      machine.dashboard.command('pull-switch', 'reexec');
      expect(await machine.result('reexec')).toMatchObject({ status: 'ok', exit_code: 0 });
      expect(machine.version()).toBe('17');
      expect(machine.output('reexec').filter((line) => /^(?:before|after)$/.test(line))).toEqual(['before', 'after']);
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    });
  },
);
