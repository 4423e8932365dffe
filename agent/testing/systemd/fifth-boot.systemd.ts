/** What becomes of a confirmed switch whose machine was restarted before the confirmation, and of one that hangs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOOT, NOTHING_LEFT, property, rebootMachine, WAIT, type Machine } from './machine';

describe.skipIf(BOOT !== 'fifth')(
  'a confirmed switch and a restart of the machine (skipped where no container can be booted)',
  () => {
    let machine: Machine;
    beforeAll(async () => {
      machine = await rebootMachine();
      machine.dashboard.settings.accepts = ['confirmation'];
      await machine.startAgent();
    });
    afterAll(() => machine.stop());

    it('boots the previous system, and is reported as rolled back', async () => {
      expect(machine.version()).toBe('46');
      expect(await machine.result('confirmed-restarted')).toMatchObject({
        status: 'error',
        rolled_back: 'restarted',
        message: 'the host restarted before the confirmation',
      });
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    });

    it('whose activation hangs is stopped by its timer, and the previous system is activated again', async () => {
      const id = 'confirmed-hung';
      const unit = `nixfleet-activate-c${id}.service`;
      const old = machine.running();
      machine.configure({ version: '48', checks: { units: { settle: 0 }, tests: 'off' } });
      machine.hangs();
      machine.dashboard.command('pull-switch', id, { confirm: { window_s: 60 } });
      await machine.appears('stc', 'hangs');
      // Only this activation hangs, not the one that goes back.
      machine.reset();
      expect(property(unit, 'SubState')).toBe('running');
      // The timer allows ten minutes and the window. Armed anew, the same timer elapses at once.
      machine.root('arm', `c${id}`, '10', old);
      expect(await machine.result(id)).toMatchObject({
        status: 'error',
        rolled_back: 'activation-hung',
        message: 'the activation did not end within 10 s',
      });
      expect([machine.running(), machine.bootDefault()]).toEqual([old, old]);
      expect(property(unit, 'LoadState')).toBe('not-found');
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    });

    it('is free for the next switch afterwards', async () => {
      machine.configure({ version: '49', checks: { units: { settle: 0 }, tests: 'off' } });
      machine.dashboard.command('pull-switch', 'after-hung');
      expect(await machine.result('after-hung')).toMatchObject({ status: 'ok' });
      expect(machine.version()).toBe('49');
    });
  },
);
