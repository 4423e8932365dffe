/** This agent beside older dashboards, and beside files of a newer agent. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasNix } from '../root-helper/testing/nixos';
import { writeStateFile } from '../state-file';
import { useNixosBench, type NixosBench } from './testing/nixos-bench';

/** Those of 4.0.0, written out: that dashboard is released. */
const FRAMES_OF_4_0_0 = [
  'command_rejected',
  'heartbeat',
  'operation_progress',
  'output',
  'output_batch',
  'register',
  'started',
  'status',
];
/** Those of the Go dashboard. */
const FRAMES_OF_GO = ['command_rejected', 'heartbeat', 'operation_progress', 'output', 'register', 'status'];

describe.skipIf(!hasNix)('a switch by nixfleet-root (skipped without Nix)', () => {
  let bench: NixosBench;
  useNixosBench((made) => (bench = made));

  it('sends a dashboard of 4.0.0 no frame that it does not read', async () => {
    bench.configure({ version: '2' });
    await bench.start();
    bench.dashboard.command('pull-switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', restarting: true });
    expect(FRAMES_OF_4_0_0).toEqual(expect.arrayContaining(bench.dashboard.received.map(({ frame }) => frame.type)));
  });

  it('sends a dashboard in Go no frame that it does not read, and reports its result', async () => {
    bench.dashboard.settings.protocol = 2;
    bench.configure({ version: '2' });
    const agent = await bench.start();
    bench.dashboard.command('switch');
    expect(await bench.dashboard.frame('status')).toMatchObject({ status: 'ok', command: 'switch', exit_code: 0 });
    expect(await agent.exit).toEqual({ code: 101, signal: null });
    expect(FRAMES_OF_GO).toEqual(expect.arrayContaining(bench.dashboard.received.map(({ frame }) => frame.type)));
    expect(readFileSync(`${bench.nixos.running()}/nixos-version`, 'utf8')).toBe('2\n');
  });

  it.each([
    ['of 4.0.0', 3, 'pull-switch', FRAMES_OF_4_0_0],
    ['in Go', 2, 'switch', FRAMES_OF_GO],
  ] as const)(
    'is not confirmed with a dashboard %s, says so, and sends no frame of it',
    async (_which, protocol, command, frames) => {
      bench.dashboard.settings.protocol = protocol;
      bench.configure({ version: '2', checks: { units: { settle: 0 }, tests: 'off' } });
      const agent = await bench.start();
      bench.dashboard.command(command, protocol === 3 ? 'sw' : undefined);
      expect(await bench.dashboard.frame('status')).toMatchObject({ status: 'ok', command });
      expect(await agent.exit).toEqual({ code: 101, signal: null });
      expect(frames).toEqual(expect.arrayContaining(bench.dashboard.received.map(({ frame }) => frame.type)));
      const said = 'This switch is not confirmed: the dashboard did not ask for it.';
      const lines =
        protocol === 3 ? bench.output('sw') : bench.dashboard.all('output').map(({ payload }) => payload.line);
      expect(lines).toContain(said);
      // Made the boot default at once, as before.
      expect(bench.nixos.generation()).toBe(2);
    },
  );

  it('leaves the activation that a newer agent recorded to that agent, and is not blocked by it', async () => {
    const file = `${bench.host.stateDir}/activation.json`;
    const newer = { version: 2, unit: 'nixfleet-activate-cnewer.service', and: ['what', 'comes', 'later'] };
    writeStateFile(file, newer);
    await bench.start();
    expect((await bench.dashboard.frame('register')).running).toBeNull();
    bench.dashboard.command('refresh-lock', 'rl');
    expect(await bench.dashboard.result('rl')).toMatchObject({ status: 'ok' });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(newer);
    await bench.expectFree();
  });
});
