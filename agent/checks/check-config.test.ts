import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readCheckConfig } from './check-config';

let system = '';
beforeEach(() => {
  system = mkdtempSync(join(tmpdir(), 'nixfleet-checks-'));
  mkdirSync(join(system, 'etc/nixfleet-agent'), { recursive: true });
});
afterEach(() => rmSync(system, { recursive: true }));

function read(content: unknown) {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(join(system, 'etc/nixfleet-agent/checks.json'), text);
  return readCheckConfig(system);
}

it('enforces units and observes the tests of the repository where a system declares nothing', () => {
  expect(readCheckConfig(system)).toEqual({
    config: { units: { enforced: true, ignore: [], settle: 5 }, tests: 'observe', checks: [] },
    problem: null,
  });
});

it('has a default for the timing of each kind of check', () => {
  const timing = { interval: 5, timeout: 10, tries: 6, enforced: true };
  const { config } = read({
    checks: [
      { kind: 'http', name: 'web', url: 'http://127.0.0.1/' },
      { kind: 'tcp', name: 'ssh', port: 22 },
      { kind: 'command', name: 'disk', command: ['true'] },
    ],
  });
  expect(config.checks).toEqual([
    { kind: 'http', name: 'web', url: 'http://127.0.0.1/', status: 200, ...timing },
    { kind: 'tcp', name: 'ssh', host: '127.0.0.1', port: 22, ...timing },
    { kind: 'command', name: 'disk', command: ['true'], ...timing },
  ]);
});

it.each([
  ['text that is not JSON', '{', 'is not JSON'],
  ['an unknown key', { unit: {} }, 'unit'],
  ['another protocol', { checks: [{ kind: 'http', name: 'a', url: 'file:///etc/passwd' }] }, 'checks.0.url'],
  ['a name with control characters', { checks: [{ kind: 'tcp', name: 'a\nb', port: 1 }] }, 'checks.0.name'],
  ['a name that is taken', { checks: [{ kind: 'tcp', name: 'units', port: 1 }] }, 'are taken'],
  [
    'two checks of one name',
    {
      checks: [
        { kind: 'tcp', name: 'a', port: 1 },
        { kind: 'tcp', name: 'a', port: 2 },
      ],
    },
    'two checks have one name',
  ],
  [
    'too many checks',
    { checks: Array.from({ length: 31 }, (_, port) => ({ kind: 'tcp', name: `c${port}`, port: port + 1 })) },
    'checks',
  ],
])('names the problem of a file with %s, and uses the defaults', (_title, content, problem) => {
  const { config, problem: found } = read(content);
  expect(found).toContain(problem);
  expect(config.checks).toEqual([]);
});
