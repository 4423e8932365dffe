/** Home Manager with the real agent, the real Nix and real generations; home-manager and its activation are stand-ins. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasNix } from '../root-helper/testing/nixos';
import { fileAppears } from '../testing/host';
import { useHomeBench, type HomeBench } from './testing/home-bench';

describe.skipIf(!hasNix)('a switch of Home Manager (skipped without Nix)', () => {
  let bench: HomeBench;
  useHomeBench((made) => (bench = made));

  it('is done when a new generation is active, and has nothing to do after that', async () => {
    await bench.start();
    expect(await bench.switchTo({ version: '1' })).toMatchObject({ status: 'ok', exit_code: 0 });
    expect([bench.generation(), bench.linked()]).toEqual([1, '1']);
    expect(await bench.run('switch')).toMatchObject({
      status: 'ok',
      message: 'Nothing to do: this generation is active already',
    });
    expect(bench.memory()).toMatchObject({ version: 1, ends: [{ number: 1, isComplete: true }], pending: null });
  });

  it('that can’t be built has activated nothing', async () => {
    await bench.start();
    await bench.switchTo({ version: '1' });
    const result = await bench.switchTo({ version: '2', fails: true });
    expect(result).toMatchObject({
      status: 'error',
      message: expect.stringContaining('home-manager failed') as string,
    });
    expect([bench.generation(), bench.linked()]).toEqual([1, '1']);
    // It is still known that the first one is active as a whole.
    bench.configure({ version: '1' });
    await bench.run('pull');
    expect(await bench.run('switch')).toMatchObject({ message: 'Nothing to do: this generation is active already' });
  });

  it('whose activation fails before it changes anything is failed, although the profile points at its generation', async () => {
    await bench.start();
    await bench.switchTo({ version: '1' });
    bench.fails('2');
    const result = await bench.switchTo({ version: '2' });
    expect(result).toMatchObject({ status: 'error', exit_code: 1 });
    expect(result.message).toContain('generation 2 is not active as a whole, because its activation failed');
    expect(result.message).toContain("Existing file '");
    expect([bench.generation(), bench.linked()]).toEqual([2, '1']);
    // The profile is what the configuration builds, and yet it is not up to date.
    await bench.run('refresh-system');
    await bench.dashboard.frame('heartbeat', ({ update_status: status }) => status?.system.status === 'error');
    // The same generation once more.
    bench.fails(null);
    expect(await bench.run('switch')).toMatchObject({ status: 'ok', message: '' });
    expect([bench.generation(), bench.linked()]).toEqual([2, '2']);
  });

  it('whose files are linked and a later step fails is partly done', async () => {
    await bench.start();
    await bench.switchTo({ version: '1', older: true });
    bench.fails('2', 'services');
    const result = await bench.switchTo({ version: '2', older: true });
    expect(result).toMatchObject({ status: 'warning', exit_code: 1 });
    expect(result.message).toContain('Switched, but home-manager failed with exit code 1');
    expect([bench.generation(), bench.linked()]).toEqual([2, '2']);
  });
});

describe.skipIf(!hasNix)('a rollback of Home Manager (skipped without Nix)', () => {
  let bench: HomeBench;
  useHomeBench((made) => (bench = made));

  it('goes to the generation that was active before, by number, and never up again', async () => {
    await bench.start();
    for (const version of ['1', '2', '3']) await bench.switchTo({ version });
    expect(await bench.run('rollback')).toMatchObject({ status: 'ok' });
    expect([bench.generation(), bench.linked()]).toEqual([2, '2']);
    expect(bench.dashboard.lines('rollback-4').map(({ line }) => line)).toContain('activating version 2 with driver 1');
    expect(await bench.run('rollback')).toMatchObject({ status: 'ok' });
    expect([bench.generation(), bench.linked()]).toEqual([1, '1']);
    expect(await bench.run('rollback')).toMatchObject({
      status: 'error',
      message: 'there is no previous generation',
    });
    expect([bench.generation(), bench.linked()]).toEqual([1, '1']);
  });

  it('never goes to a generation whose activation failed', async () => {
    await bench.start();
    await bench.switchTo({ version: '1' });
    bench.fails('2');
    await bench.switchTo({ version: '2' });
    await bench.switchTo({ version: '3' });
    expect([bench.generation(), bench.linked()]).toEqual([3, '3']);
    // `home-manager switch --rollback` would go to generation 2.
    expect(await bench.run('rollback')).toMatchObject({ status: 'ok' });
    expect([bench.generation(), bench.linked()]).toEqual([1, '1']);
  });

  it('after a failed activation goes to what ran before, and from there on down', async () => {
    await bench.start();
    await bench.switchTo({ version: '1' });
    await bench.switchTo({ version: '2' });
    bench.fails('3', 'services');
    await bench.switchTo({ version: '3' });
    expect([bench.generation(), bench.linked()]).toEqual([3, '3']);
    await bench.run('rollback');
    expect([bench.generation(), bench.linked()]).toEqual([2, '2']);
    await bench.run('rollback');
    expect([bench.generation(), bench.linked()]).toEqual([1, '1']);
  });

  it('goes to what ran before, not to a number in between', async () => {
    await bench.start();
    for (const version of ['1', '2', '3']) await bench.switchTo({ version });
    // By hand, as a person would.
    bench.nixEnv('--switch-generation', '1');
    await bench.switchTo({ version: '4' });
    expect(bench.generation()).toBe(4);
    await bench.run('rollback');
    expect([bench.generation(), bench.linked()]).toEqual([1, '1']);
  });

  it('whose activation fails is failed, and the next one goes further down', async () => {
    await bench.start();
    for (const version of ['1', '2', '3']) await bench.switchTo({ version });
    bench.fails('2');
    const result = await bench.run('rollback');
    expect(result).toMatchObject({ status: 'error', exit_code: 1 });
    expect(result.message).toContain('generation 2 is not active as a whole');
    expect(await bench.run('rollback')).toMatchObject({ status: 'ok' });
    expect([bench.generation(), bench.linked()]).toEqual([1, '1']);
  });

  it('to a package from before driver versions makes a new number, and the next one still goes down', async () => {
    await bench.start();
    for (const version of ['1', '2', '3']) await bench.switchTo({ version, legacy: true });
    expect(await bench.run('rollback')).toMatchObject({ status: 'ok' });
    expect([bench.generation(), bench.linked()]).toEqual([4, '2']);
    expect(await bench.run('rollback')).toMatchObject({ status: 'ok' });
    expect(bench.linked()).toBe('1');
  });

  it('without a record, as after an agent that kept none, goes by the link of Home Manager', async () => {
    await bench.start();
    await bench.switchTo({ version: '1' });
    await bench.switchTo({ version: '2' });
    bench.fails('3');
    await bench.switchTo({ version: '3' });
    rmSync(join(bench.host.stateDir, 'home-generations.json'));
    await bench.run('rollback');
    expect([bench.generation(), bench.linked()]).toEqual([2, '2']);
  });

  it('of a switch that outlived its agent goes to what ran before that switch', async () => {
    const agent = await bench.start();
    await bench.switchTo({ version: '1' });
    bench.configure({ version: '2' });
    await bench.run('pull');
    writeFileSync(bench.host.path('wait'), '');
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.host.path('waits'));
    agent.child.kill('SIGKILL');
    await agent.exit;
    await bench.start();
    const from = bench.dashboard.received.length;
    await bench.run('refresh-system');
    await bench.dashboard.frame('heartbeat', ({ update_status: status }) => status?.system.status === 'unknown', from);
    writeFileSync(bench.host.path('go'), '');
    await expect.poll(() => bench.active()).toBe('2');
    await bench.run('refresh-system');
    await bench.dashboard.frame('heartbeat', ({ update_status: status }) => status?.system.status === 'ok', from);
    await bench.run('rollback');
    expect([bench.generation(), bench.linked()]).toEqual([1, '1']);
  });
});
