/** A reboot where nixfleet-root is installed: by that program, so that no other rule of sudo is needed. */
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasNix } from '../root-helper/testing/nixos';
import { fileAppears } from '../testing/host';
import { useNixosBench, type NixosBench } from './testing/nixos-bench';

describe.skipIf(!hasNix)('a reboot (skipped without Nix)', () => {
  let bench: NixosBench;
  useNixosBench((made) => (bench = made));

  it('is done by nixfleet-root', async () => {
    await bench.start();
    bench.dashboard.command('reboot', 'rb');
    expect(await bench.dashboard.result('rb')).toMatchObject({ status: 'ok', restarting: true });
    expect(bench.nixos.calls()).toContain('systemctl reboot');
  });

  it('is refused during an activation, and the activation goes on', async () => {
    bench.configure({ version: '2' });
    await bench.start();
    bench.nixos.waits();
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('stc', 'waits'));
    bench.dashboard.command('reboot', 'rb');
    const result = await bench.dashboard.result('rb');
    expect(result).toMatchObject({ status: 'error', restarting: false });
    expect(result.message).toMatch(/^Reboot failed: /);
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
  });
});
