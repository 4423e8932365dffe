/** What the agent finds after a restart of the machine into the previous system. The third boot is into the new one. */
import { describe, expect, it } from 'vitest';
import { BOOT, NOTHING_LEFT, useRebootedMachine, WAIT, type Machine } from './machine';

describe.skipIf(BOOT !== 'second')(
  'a switch and a restart into the old system (skipped where no container can be booted)',
  () => {
    let machine: Machine;
    useRebootedMachine((made) => (machine = made));

    it('interrupted by a restart of the machine is reported as not done, and the host accepts commands', async () => {
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

    it('is under way when the machine restarts once more, with the boot entry written (the third boot looks at its end)', async () => {
      machine.configure({ version: '17' });
      machine.hangs();
      machine.dashboard.command('pull-switch', 'entered');
      await machine.appears('stc', 'hangs');
      expect(machine.version()).toBe('16');
      expect(machine.bootDefault()).toBe(machine.system(machine.generation()));
      expect(machine.bootDefault()).not.toBe(machine.running());
    });
  },
);
