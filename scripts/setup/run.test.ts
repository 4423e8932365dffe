import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { run, wasStopped } from './run.mjs';

const cwd = process.cwd();

describe('run', () => {
  it('returns the exit code, and for a signal the code that a shell returns', async () => {
    expect(await run(process.execPath, ['-e', 'process.exit(7)'], { cwd })).toBe(7);
    const code = await run(process.execPath, ['-e', 'process.kill(process.pid, "SIGTERM")'], { cwd });
    expect(code).toBe(128 + constants.signals.SIGTERM);
    expect(wasStopped(code)).toBe(true);
    expect(wasStopped(1)).toBe(false);
  });

  it('passes on all output instead of printing it', async () => {
    const texts: string[] = [];
    const code = await run(process.execPath, ['-e', 'console.log("out"); console.error("err"); process.exit(3)'], {
      cwd,
      onText: (text) => texts.push(text),
    });
    expect(code).toBe(3);
    expect(texts.sort()).toEqual(['err\n', 'out\n']);
  });

  it('reports a program that cannot be run', async () => {
    await expect(run('/nowhere/at-all', [], { cwd })).rejects.toThrow('The program /nowhere/at-all cannot be run');
  });

  it.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])(
    'passes %s on and ends with the code of the program',
    async (signal) => {
      const inner = `process.on('${signal}', () => { console.log('got it'); process.exit(3); }); setInterval(() => {}, 1000); console.log('ready');`;
      const code = `
      import { run } from ${JSON.stringify(new URL('./run.mjs', import.meta.url).href)};
      process.exitCode = await run(process.execPath, ['-e', ${JSON.stringify(inner)}], { cwd: process.cwd() });`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said === 'ready\n') child.kill(signal);
      });
      const [exit] = (await once(child, 'close')) as unknown[];
      expect(exit).toBe(3);
      expect(said).toBe('ready\ngot it\n');
    },
  );
});
