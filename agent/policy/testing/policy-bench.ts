/** A host with a policy for tests of the real agent, and commits with signatures of keys that the real ssh-keygen makes. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach } from 'vitest';
import { useAgentBench, type AgentBench } from '../../testing/agent-bench';
import type { AgentProcess } from '../../testing/host';
import { ACCEPTED } from '@/lib/protocol/agent/accepts';

/** A test script of the host, in the repository. */
export const TEST = 'hosts/h1/tests/a.sh';
export const says = (text: string): string => `#!/bin/sh\necho "${text}"\n`;

export type PolicyBench = ReturnType<typeof createPolicyBench>;

/** Gives each test a host and a dashboard that reads every frame and field. Call it at the top of a test file. */
export function usePolicyBench(use: (bench: PolicyBench) => void): void {
  let made: AgentBench;
  useAgentBench((bench) => (made = bench));
  beforeEach(() => {
    made.dashboard.settings.accepts = ACCEPTED;
    use(createPolicyBench(made));
  });
}

function createPolicyBench({ bundle, host, dashboard }: AgentBench) {
  let commands = 0;
  const bench = {
    bundle,
    host,
    dashboard,
    policy: (content: object): void => writeFileSync(host.path('policy.json'), JSON.stringify(content)),
    async connect(more: Record<string, string> = {}): Promise<AgentProcess> {
      const from = dashboard.received.length;
      const agent = host.start(bundle, dashboard.url, { NIXFLEET_POLICY_FILE: host.path('policy.json'), ...more });
      await dashboard.frame('heartbeat', () => true, from);
      return agent;
    },
    /** Runs a command to its end. */
    async run(command: string, more: object = {}) {
      const id = `c${++commands}`;
      dashboard.command(command, id, more);
      const { status, refused, message } = await dashboard.result(id);
      return { status, refused, message, lines: dashboard.lines(id).map(({ line }) => line) };
    },
    /** Pulls, and runs the tests of the host. */
    async pullAndTest() {
      await bench.run('pull');
      return bench.run('test');
    },
    /** A new key; gives its line for the list of signers. */
    newKey(name: string): string {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', host.path(name)]);
      return `${name}@example.org ${readFileSync(host.path(`${name}.pub`), 'utf8')}`;
    },
    /** As `host.commit`, with the signature of a key. */
    commitBy(key: string, files: Record<string, string>): string {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(host.work, path)), { recursive: true });
        writeFileSync(join(host.work, path), content);
        if (path.endsWith('.sh')) chmodSync(join(host.work, path), 0o755);
      }
      host.git(['add', '-A']);
      const settings = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${host.path(key)}`];
      host.git([...settings, 'commit', '-q', '-S', '-m', `signed by ${key}`]);
      host.git(['push', '-q', '-f', 'origin', 'HEAD:main']);
      return host.git(['rev-parse', 'HEAD']);
    },
    inClone: (...args: string[]): string => host.git(args, host.repoDir),
  };
  return bench;
}
