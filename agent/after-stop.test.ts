import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { isGroupRunning, whatGoesOn } from './after-stop';
import type { RunEnd, Shell } from './shell';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process in a separate group; resolves when it runs. */
async function startGroup(): Promise<{ child: ChildProcess; group: number }> {
  const child = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  if (child.pid === undefined) throw new Error('sleep has no process id');
  return { child, group: child.pid };
}

/** A shell whose programs all end like this. */
function shellOf(end: Partial<RunEnd>, runs: string[] = []): Shell {
  return {
    redact: (text) => text,
    say: () => undefined,
    run(program, args) {
      runs.push([program, ...args].join(' '));
      return Promise.resolve({
        end: { kind: 'exited', code: 1 },
        ok: false,
        stdout: [],
        stderr: [],
        last: [],
        cause: null,
        ...end,
      });
    },
  };
}

describe('a stopped command', () => {
  it('may still run while a process of its group survives', async () => {
    const { group } = await startGroup();
    const runs: string[] = [];
    expect(await whatGoesOn(group, 'macos', shellOf({}, runs), 300)).toBe(
      `processes that it started are still running (process group ${group})`,
    );
    expect(runs).toEqual([`sudo -n kill -s KILL -- -${group}`]);
  });

  it('has ended when its last process has', async () => {
    const { child, group } = await startGroup();
    expect(isGroupRunning(group)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isGroupRunning(group)).toBe(false);
    expect(await whatGoesOn(group, 'nixos', shellOf({ ok: true, stdout: [] }))).toBeNull();
    expect(await whatGoesOn(group, 'nixos', shellOf({ ok: false }))).toBeNull();
  });

  it('may continue in its unit, which has other processes', async () => {
    const { child, group } = await startGroup();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const unit = '  nixos-rebuild-switch-to-configuration-1a2b.service loaded active running switch';
    expect(await whatGoesOn(group, 'nixos', shellOf({ ok: true, stdout: [unit] }))).toBe(
      'the activation continues in the unit nixos-rebuild-switch-to-configuration-1a2b.service',
    );
    expect(await whatGoesOn(group, 'macos', shellOf({ ok: true, stdout: [unit] }))).toBeNull();
  });
});
