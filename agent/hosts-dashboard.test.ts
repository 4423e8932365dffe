import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostsDashboard } from './hosts-dashboard';

it.each([
  ['nixfleet.service', true],
  ['podman-nixfleet.service', true],
  ['nixfleet-agent.service', false],
])('a system with %s hosts a dashboard: %s', (unit, expected) => {
  const system = mkdtempSync(join(tmpdir(), 'nixfleet-system-'));
  mkdirSync(join(system, 'etc/systemd/system'), { recursive: true });
  writeFileSync(join(system, 'etc/systemd/system', unit), '');
  expect(hostsDashboard(system)).toBe(expected);
  rmSync(system, { recursive: true });
});
