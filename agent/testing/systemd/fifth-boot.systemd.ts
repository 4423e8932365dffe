/** What becomes of a confirmed switch whose machine was restarted before the confirmation. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOOT, NOTHING_LEFT, rebootMachine, WAIT, type Machine } from './machine';

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

    it('boots the system before the switch, and is reported as rolled back', async () => {
      expect(machine.version()).toBe('46');
      expect(await machine.result('confirmed-restarted')).toMatchObject({
        status: 'error',
        rolled_back: 'restarted',
        message: 'the host restarted before the confirmation',
      });
      await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    });
  },
);
