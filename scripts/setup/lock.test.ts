import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFixture, type Fixture } from './fixture';
import { withLock } from './lock.mjs';
import { SetupProblem } from './problem.mjs';

let fixture: Fixture;
let path: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  fixture = createFixture();
  path = join(fixture.root, 'dist/.setup.lock');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  fixture.remove();
});

/** A process that runs `body` under the lock. */
function holder(body: string): ChildProcessByStdio<Writable, Readable, null> {
  const module = new URL('./lock.mjs', import.meta.url).href;
  const code = `
    import { withLock } from ${JSON.stringify(module)};
    import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
    await withLock(${JSON.stringify(path)}, async () => { ${body} }, { say: () => undefined });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}
/** Holds the lock until its standard input ends. */
const HOLDS_UNTIL_TOLD = `console.log('holding'); for await (const _ of process.stdin);`;

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}
const take = (options: { maxWaitMs?: number; watchMs?: number } = {}) =>
  withLock(path, () => Promise.resolve('done'), { say: () => undefined, ...options });

describe('the lock', () => {
  it('returns the result of the work, and is removed afterwards, also after a failure', async () => {
    expect(await take()).toBe('done');
    expect(existsSync(path)).toBe(false);
    await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(path)).toBe(false);
  });

  it('admits one process at a time', async () => {
    const counter = join(fixture.root, 'counter');
    writeFileSync(counter, '0');
    // Reading, waiting, writing: without the lock, counts would be lost.
    const body = `
      const seen = Number(readFileSync(${JSON.stringify(counter)}, 'utf8'));
      await new Promise((resolve) => setTimeout(resolve, 20));
      writeFileSync(${JSON.stringify(counter)}, String(seen + 1));`;
    const exits = await Promise.all(Array.from({ length: 6 }, () => once(holder(body), 'exit')));
    expect(exits.map(([code]) => code as unknown)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(readFileSync(counter, 'utf8')).toBe('6');
    expect(readdirSync(join(fixture.root, 'dist'))).toEqual([]);
  });

  it('is taken from a killed holder', async () => {
    const child = holder(HOLDS_UNTIL_TOLD);
    await once(child.stdout, 'data');
    await expect(take({ maxWaitMs: 0 })).rejects.toThrow(SetupProblem);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await take()).toBe('done');
  });

  it('is waited for until its holder ends', async () => {
    const child = holder(HOLDS_UNTIL_TOLD);
    await once(child.stdout, 'data');
    const said: string[] = [];
    const say = (line: string) => {
      said.push(line);
      child.stdin.end();
    };
    expect(await withLock(path, () => Promise.resolve('done'), { say })).toBe('done');
    expect(said).toEqual([expect.stringContaining(`process ${child.pid ?? 0}`)]);
  });

  it('of another machine counts as abandoned after a minute without a touch', async () => {
    fixture.write('dist/.setup.lock', { pid: await deadPid(), machine: `not-${hostname()}` });
    await expect(take({ maxWaitMs: 0 })).rejects.toThrow('remove that file');
    const old = new Date(Date.now() - 61_000);
    utimesSync(path, old, old);
    // It may only look old, to a clock that was set ahead: its owner may touch it again.
    await expect(take({ maxWaitMs: 0 })).rejects.toThrow('remove that file');
    expect(await take({ watchMs: 1 })).toBe('done');
  });

  it('with invalid content is taken after a minute', async () => {
    fixture.write('dist/.setup.lock', 'rubbish');
    const old = new Date(Date.now() - 61_000);
    utimesSync(path, old, old);
    expect(await take({ watchMs: 1 })).toBe('done');
  });
});
