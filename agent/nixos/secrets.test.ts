/** Secrets in the output of an activation or of a declared check reach no frame. */
import { chmodSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasNix } from '../root-helper/testing/nixos';
import { TEST_TOKEN } from '../testing/dashboard';
import { useNixosBench, type NixosBench } from './testing/nixos-bench';

const SECRET = 'pw-secret-1';
describe.skipIf(!hasNix)('secrets (skipped without Nix)', () => {
  let bench: NixosBench;
  useNixosBench((made) => (bench = made));
  function program(text: string, ...at: string[]): string {
    const path = bench.nixos.path(...at);
    writeFileSync(path, `#!/bin/sh\necho '${text}' >&2\nexit 3\n`);
    chmodSync(path, 0o755);
    return path;
  }
  const leaks = (secret: string) =>
    bench.dashboard.received.flatMap(({ frame }) => (JSON.stringify(frame).includes(secret) ? [frame.type] : []));

  it('in the output of an activation are in no frame', async () => {
    bench.configure({ version: '2' });
    const agent = await bench.start();
    program(`error: cannot fetch https://ada:${SECRET}@git.example.org/x`, 'stc', 'during');
    bench.nixos.ends(2);
    bench.dashboard.command('switch', 'sw');
    await bench.dashboard.result('sw');
    await agent.exit;
    const from = bench.dashboard.received.length;
    await bench.start();
    await bench.dashboard.frame('heartbeat', () => true, from);
    expect(leaks(SECRET)).toEqual([]);
  });
  it('that are cut off are in no frame either', async () => {
    bench.configure({ version: '2' });
    await bench.start();
    program(`error: ${'x'.repeat(380)} ${TEST_TOKEN}`, 'stc', 'during');
    bench.nixos.ends(2);
    bench.dashboard.command('switch', 'sw');
    await bench.dashboard.result('sw');
    expect(leaks(TEST_TOKEN.slice(0, 8))).toEqual([]);
  });
  it('in the output of a check are in no frame', async () => {
    bench.dashboard.settings.accepts = ['confirmation'];
    const command = [program(`fatal: no access to https://ada:${SECRET}@git.example.org/x`, 'the-check')];
    const check = { kind: 'command', name: 'fetch', command, tries: 1 };
    bench.configure({ version: '2', checks: { units: { settle: 0 }, tests: 'off', checks: [check] } });
    await bench.start();
    bench.dashboard.command('switch', 'sw', { confirm: { window_s: 180 } });
    await bench.dashboard.frame('confirmation', ({ stage }) => stage === 'going-back');
    expect(leaks(SECRET)).toEqual([]);
  });
});
