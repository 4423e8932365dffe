/**
 * What agents send for each command, as seen on the wire, and its oddities (`sequences/`), played over real sockets to the
 * real gateway, fleet and database: how each command ends, and that the host is free afterwards.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { Player, ended, type Expected } from '../../testing/script';
import type { OperationId } from '@/lib/protocol/operation-ids';
import { CONTROL } from './sequences/control-sequences';
import { ODDITIES } from './sequences/odd-sequences';
import { OTHERS } from './sequences/other-sequences';
import { PROTOCOL_3 } from './sequences/protocol-3-sequences';
import { PULL } from './sequences/pull-sequences';
import { SWITCH } from './sequences/switch-sequences';

let player: Player | null = null;
afterEach(async () => {
  await player?.server.close();
  player = null;
});

describe.each([
  ['pull', PULL],
  ['switch', SWITCH],
  ['others', OTHERS],
  ['stop, kill, restart, reboot', CONTROL],
  ['oddities', ODDITIES],
  ['protocol 3', PROTOCOL_3],
] as const)('%s', (_group, cases) => {
  it.each(cases)('$operation: $name', async ({ operation, script, ends, others = {}, register = {} }) => {
    player = await Player.open(register);
    await player.ask(operation);
    await player.play(script);
    for (const [id, expected] of [[operation, ends], ...Object.entries(others)] as [OperationId, Expected][]) {
      await player.play([ended(id)]);
      const { outcome, reason } = await player.command(id);
      expect({ id, outcome, reason }).toEqual({
        id,
        outcome: expected.outcome,
        reason: expect.stringContaining(expected.reason ?? '') as string,
      });
      expect(reason).toMatch(/[.!?…]$/);
    }
    // Free again, and nothing was put on the wire twice.
    await player.server.until(() => player?.server.fleet.host('h1')?.command === null);
    const host = player.server.fleet.host('h1');
    expect(host).toMatchObject({ command: null, control: null, dashboardCommand: null, queue: [] });
    const sent = player.wire.filter((name) => name !== 'refresh-system' || operation === 'refresh-system');
    expect(new Set(sent).size).toBe(sent.length);
  });
});
