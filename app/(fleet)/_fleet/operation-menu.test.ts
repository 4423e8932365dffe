import { describe, expect, it } from 'vitest';
import { operationMenu } from './operation-menu';

describe('the menu of operations', () => {
  it('offers for one host what runs, what controls it and what changes the host, in this order', () => {
    expect(operationMenu('one')).toEqual([
      ['pull-switch', 'refresh-all', 'refresh-system'],
      ['restart', 'rollback', 'kill', 'reboot'],
      ['set-color', 'remove-host'],
    ]);
  });

  it('leaves out for several hosts what acts on one command or takes a host’s processor', () => {
    expect(operationMenu('several')).toEqual([
      ['pull-switch', 'refresh-all'],
      ['restart', 'rollback', 'reboot'],
      ['set-color', 'remove-host'],
    ]);
  });
});
