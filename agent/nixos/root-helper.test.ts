/** What a call of nixfleet-root that fails proves. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createShell } from '../shell';
import { createRootHelper } from './root-helper';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nixfleet-root-call-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** `sudo`: a script instead of it; null without one. */
function start(sudo: string | null, callTimeoutMs?: number) {
  if (sudo !== null) {
    writeFileSync(join(folder, 'sudo'), `#!/bin/sh\n${sudo}\n`);
    chmodSync(join(folder, 'sudo'), 0o755);
  }
  const shell = createShell({
    cwd: () => folder,
    env: { ...process.env, PATH: sudo === null ? folder : `${folder}:/usr/bin:/bin` },
    say: () => undefined,
  });
  return createRootHelper('/nixfleet-root', callTimeoutMs).activate(shell, 'a', 'test', '/nix/store/x');
}

it('an answer that does not come in time says nothing of what was started', async () => {
  expect(await start('exec sleep 1000', 100)).toMatchObject({
    ok: false,
    isRefused: false,
    problem: 'nixfleet-root did not answer in time',
  });
});

it.each([
  [64, true],
  [65, true],
  [66, true],
  [69, true],
  [70, false],
  [73, true],
  [77, true],
  [1, false],
  [124, false],
])('exit code %i: that nothing was started is %s', async (code, isRefused) => {
  expect(await start(`exit ${code}`)).toMatchObject({ ok: false, exitCode: code, isRefused });
});

it('without sudo nothing was started', async () => {
  expect(await start(null)).toMatchObject({ ok: false, isRefused: true });
});
