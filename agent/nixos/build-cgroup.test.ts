import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf, createBuildCgroup } from './build-cgroup';

const GIB = 2 ** 30;

it.each([
  ['80%', 8 * GIB],
  ['6G', 6 * GIB],
  ['512M', 512 * 2 ** 20],
  ['101%', null],
  ['6 G', null],
  ['1M', null],
  ['', null],
])('a limit of "%s" of 10 GiB is %s bytes', (text, bytes) => {
  expect(bytesOf(text, 10 * GIB)).toBe(bytes);
});

// The files of a delegated cgroup as plain files: the kernel's own are not writable on every machine that runs the tests.
describe('the cgroup of builds', () => {
  let mount: string;
  const service = 'system.slice/nixfleet-agent.service';
  const path = (...parts: string[]) => join(mount, service, ...parts);
  beforeEach(() => {
    mount = mkdtempSync(join(tmpdir(), 'nixfleet-cgroup-'));
    mkdirSync(path(), { recursive: true });
    writeFileSync(path('cgroup.subtree_control'), '');
  });
  afterEach(() => rmSync(mount, { recursive: true }));

  function create(cgroup: string, memory = '2G') {
    writeFileSync(join(mount, 'self'), `12:pids:/other\n0::${cgroup}\n`);
    return createBuildCgroup({ memory, mount, membership: join(mount, 'self'), pid: 4711 });
  }

  it.each([`/${service}`, `/${service}/agent`])(
    'is created below the service’s cgroup when the agent is in %s',
    (from) => {
      const made = create(from);
      expect(made).toMatchObject({ limit: 2 * GIB });
      expect(readFileSync(path('agent', 'cgroup.procs'), 'utf8')).toBe('4711');
      expect(readFileSync(path('cgroup.subtree_control'), 'utf8')).toBe('+memory');
      expect(readFileSync(path('build', 'memory.max'), 'utf8')).toBe(String(2 * GIB));
      if (!('wrap' in made)) throw new Error(made.problem);
      const { program, args } = made.wrap('echo', ['a b', '$HOME']);
      expect(execFileSync(program, [...args], { encoding: 'utf8' })).toBe('a b $HOME\n');
      expect(readFileSync(path('build', 'cgroup.procs'), 'utf8')).toMatch(/^\d+\n$/);
      expect(made.kills()).toBe(0);
      writeFileSync(path('build', 'memory.events'), 'low 0\nhigh 0\nmax 41\noom 1\noom_kill 2\noom_group_kill 1\n');
      expect(made.kills()).toBe(2);
    },
  );

  it.each(['/user.slice/session-1.scope', '/', '/system.slice/docker-1.scope'])('is never made in %s', (cgroup) => {
    expect(create(cgroup)).toMatchObject({ problem: expect.stringContaining('not in the cgroup of') as string });
  });

  it('is not made without delegation, and says what is missing', () => {
    rmSync(path('cgroup.subtree_control'));
    expect(create(`/${service}`)).toMatchObject({ problem: expect.stringContaining('Delegate=yes') as string });
  });

  it('is not created for an invalid limit', () => {
    expect(create(`/${service}`, 'much')).toMatchObject({ problem: expect.stringContaining('80%') as string });
  });
});
