import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isUserService, lingeringProblem } from './user-service';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nixfleet-user-service-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it.each([
  ['/user.slice/user-1000.slice/user@1000.service/app.slice/nixfleet-agent.service', true],
  ['/system.slice/nixfleet-agent.service', false],
  ['/user.slice/user-1000.slice/user@1000.service/app.slice/terminal.scope', false],
  ['/user.slice/user-1000.slice/session-3.scope', false],
])('an agent in %s is a user service: %s', (cgroup, expected) => {
  const membership = join(folder, 'cgroup');
  writeFileSync(membership, `0::${cgroup}\n`);
  expect(isUserService(membership)).toBe(expected);
});

it('without cgroups it is none', () => {
  expect(isUserService(join(folder, 'missing'))).toBe(false);
});

it('a user service ends at log-out unless its user lingers', () => {
  expect(lingeringProblem('alice', folder)).toContain('run "loginctl enable-linger alice"');
  writeFileSync(join(folder, 'alice'), '');
  expect(lingeringProblem('alice', folder)).toBeNull();
});
