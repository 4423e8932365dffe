import { describe, expect, it } from 'vitest';
import { operationMenu } from './operation-menu';

describe('operationMenu', () => {
  it('groups the operations for one host: run, control, host', () => {
    expect(operationMenu('one')).toEqual([
      ['pull-switch', 'refresh-all', 'refresh-system', 'boot'],
      ['restart', 'rollback', 'switch-generation', 'kill', 'reboot'],
      ['set-color', 'remove-host'],
    ]);
  });

  it('leaves out kill and the system check for several hosts', () => {
    expect(operationMenu('several')).toEqual([
      ['pull-switch', 'refresh-all', 'boot'],
      ['restart', 'rollback', 'switch-generation', 'reboot'],
      ['set-color', 'remove-host'],
    ]);
  });
});
