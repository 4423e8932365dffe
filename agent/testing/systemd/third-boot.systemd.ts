/** What the agent finds after a restart of the machine into the new system; and, at the very end, a new execution of systemd, which may hang. */
import { describe, expect, it } from 'vitest';
import { BOOT, NOTHING_LEFT, useRebootedMachine, WAIT, type Machine } from './machine';

describe.skipIf(BOOT !== 'third')(
  'a switch and a restart into the new system (skipped where no container can be booted)',
  () => {
    let machine: Machine;
    useRebootedMachine((made) => (machine = made));

    it('that the restart of the machine interrupted after the boot entry is active, with a warning', async () => {
      expect(machine.version()).toBe('17');
      expect(await machine.result('entered')).toMatchObject({
        status: 'warning',
        exit_code: 0,
        restarting: false,
        message: 'Switched, but the host restarted during the activation and booted the new system',
      });
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
      machine.dashboard.command('switch', 'after-boot');
      const { status } = await machine.result('after-boot');
      expect(status).toBe('ok');
      expect(machine.output('after-boot')).toContain(
        `Nothing to do: ${machine.running()} runs and is already the boot default.`,
      );
    });

    it('continues while systemd re-executes and the agent restarts', async () => {
      machine.configure({ version: '18' });
      machine.does(
        'echo before',
        'timeout 60 systemctl daemon-reexec',
        'systemctl restart nixfleet-agent.service',
        'echo after',
      );
      machine.dashboard.command('pull-switch', 'reexec');
      expect(await machine.result('reexec')).toMatchObject({ status: 'ok', exit_code: 0 });
      expect(machine.version()).toBe('18');
      expect(machine.output('reexec').filter((line) => /^(?:before|after)$/.test(line))).toEqual(['before', 'after']);
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    });
  },
);
