import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ensureAgent } from '../build-agent.mjs';
import { cleanEnvironment } from './environment.mjs';
import { processesWith } from './processes.mjs';

const SERVER_THAT_SERVES = `
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 1000);
console.log('NixFleet is ready at nowhere; data in ' + process.env.NIXFLEET_DATA_DIR);`;
const SERVER_THAT_FAILS = `console.error('there is no table'); process.exit(3);`;
const SERVER_THAT_CRASHES = `${SERVER_THAT_SERVES} setTimeout(() => { console.error('out of luck'); process.exit(4); }, 300);`;

let folder: string;
let temporary: string;

beforeAll(async () => {
  await ensureAgent();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nixfleet-demo-test-'));
  temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  mkdirSync(join(folder, 'dist'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the demo with another server in place of the dashboard; sends SIGINT when it prints `until`. */
async function demonstrate(server: string, until: RegExp | null) {
  writeFileSync(join(folder, 'dist/server.mjs'), server);
  const code = `
    import { runDemo } from ${JSON.stringify(new URL('./run.mjs', import.meta.url).href)};
    const stopping = new AbortController();
    process.on('SIGINT', () => stopping.abort());
    console.log('begun');
    await runDemo(process.argv[1], process.env, stopping.signal).catch((error) => {
      if (stopping.signal.aborted) return;
      console.log(error.message);
      process.exitCode = 1;
    });
    process.exit();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, folder], {
    env: { ...cleanEnvironment(process.env).env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const printed: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    printed.push(line);
    if (until?.test(line) === true) child.kill('SIGINT');
  });
  const [exit] = (await once(child, 'close')) as unknown[];
  return {
    exit,
    output: printed.join('\n'),
    left: [...readdirSync(temporary), ...processesWith(`TMPDIR=${temporary}`)],
  };
}

describe('the demo', () => {
  it('prints how to sign in, and leaves nothing behind when it is stopped', async () => {
    const { exit, output, left } = await demonstrate(SERVER_THAT_SERVES, /Ctrl-C ends it/);
    expect(exit).toBe(0);
    expect(output).toMatch(/ready at http:\/\/127\.0\.0\.1:\d+\n {2}Password: [a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4} /);
    expect(output).toContain('Press Switch on draco: its build fails.');
    expect(output).toContain('Press Switch on cygnus: a unit fails, and the result names it.');
    expect(output).toContain('borealis has no nixfleet-root: its agent calls nixos-rebuild.');
    expect(left).toEqual([]);
  });

  it('leaves nothing behind when it is stopped during its start', async () => {
    const { exit, left } = await demonstrate(SERVER_THAT_SERVES, /^begun$/);
    expect(exit).toBe(0);
    expect(left).toEqual([]);
  });

  it.each([
    ['does not start', SERVER_THAT_FAILS, 'there is no table'],
    ['crashes later', SERVER_THAT_CRASHES, 'out of luck'],
  ])('ends with the last lines of a dashboard that %s, and leaves nothing behind', async (_how, server, words) => {
    const { exit, output, left } = await demonstrate(server, null);
    expect(exit).toBe(1);
    expect(output).toContain(words);
    expect(left).toEqual([]);
  });
});
