/** The memory limit of builds, with a kernel that has cgroup v2 alone. The agent is in a cgroup as its service's. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useNixosBench, type NixosBench } from '../../nixos/testing/nixos-bench';
import type { AgentProcess } from '../host';
import { BOOT } from './machine';

const CGROUP = '/sys/fs/cgroup/nixfleet-agent.service';
/** Node and Nix need less than that, the evaluation more. */
const LIMIT = '256M';

describe.skipIf(BOOT !== 'memory')(
  'the memory limit of builds (skipped where no kernel in user mode can be booted)',
  () => {
    let bench: NixosBench;
    useNixosBench((made) => (bench = made));

    it('ends an evaluation that needs more, says so, and frees the host; the agent goes on', async () => {
      const before = bench.nixos.running();
      bench.configure({ version: '2', evaluates: 'memory' });
      const agent = await startInService();
      bench.dashboard.command('switch', 'sw');
      expect(await bench.dashboard.result('sw')).toMatchObject({
        status: 'error',
        exit_code: 137,
        message: 'nix build was killed: it needed more than 256 MiB of memory (NIXFLEET_BUILD_MEMORY)',
      });
      expect([bench.nixos.running(), bench.nixos.generation(), bench.changes()]).toEqual([before, 1, []]);
      expect(readFileSync(join(CGROUP, 'agent', 'cgroup.procs'), 'utf8').split('\n')).toContain(
        String(agent.child.pid),
      );
      bench.dashboard.command('refresh-lock', 'next');
      expect(await bench.dashboard.result('next')).toMatchObject({ status: 'ok' });
    });

    /** The agent gets the cgroup of this process, which leaves it at once: cgroup v2 wants processes in leaves. */
    function startInService(): Promise<AgentProcess> {
      mkdirSync(CGROUP, { recursive: true });
      enter(CGROUP);
      const agent = bench.start({ NIXFLEET_BUILD_MEMORY: LIMIT, TMPDIR: tmpdir() });
      enter(dirname(CGROUP));
      return agent;
    }
    const enter = (cgroup: string) => writeFileSync(join(cgroup, 'cgroup.procs'), String(process.pid));
  },
);
