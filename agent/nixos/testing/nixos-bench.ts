/**
 * A NixOS host for tests of the real agent as a process: the real Nix with a private store, the real nixfleet-root, the
 * configuration as a real flake in a git clone, and stand-ins for systemd and switch-to-configuration.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createNixos, type TestNixos } from '../../root-helper/testing/nixos';
import { EMPTY_LOCK, flakeOf, type SystemSource } from './test-flake';
import { installStandIns, nixosVariables } from './stand-ins';
import { useAgentBundle } from '../../testing/agent-bench';
import { startTestDashboard, type TestDashboard } from '../../testing/dashboard';
import { createHost, type AgentProcess, type TestHost } from '../../testing/host';
import { afterEach, beforeEach, expect } from 'vitest';

export { EMPTY_LOCK, flakeOf, type SystemSource };

export type NixosBench = ReturnType<typeof createNixosBench>;

export function createNixosBench(bundle: string, dashboard: TestDashboard) {
  const nixos: TestNixos = createNixos(1);
  const host: TestHost = createHost();
  const failedUnits = installStandIns(nixos, host);

  return {
    nixos,
    host,
    dashboard,
    /** Makes the repository build this system; gives the commit. */
    configure(source: SystemSource): string {
      const files = { 'flake.nix': flakeOf(nixos, source), 'flake.lock': EMPTY_LOCK };
      return host.commit(files, `version ${source.version}`);
    },
    /**
     * Puts the agent into the store as a package, as Nix builds it. `capabilities`: what its file says that it can do; null
     * without the file, as before 4.1. Gives its program.
     */
    packageAgent(letter: string, capabilities: readonly string[] | null): string {
      const folder = nixos.path('store', `${letter.repeat(32)}-nixfleet-agent-${letter}`);
      const file = `${folder}/share/nixfleet-agent/capabilities.json`;
      const program = `${folder}/lib/nixfleet-agent/agent.mjs`;
      for (const path of [file, program]) mkdirSync(dirname(path), { recursive: true });
      cpSync(bundle, program);
      if (capabilities !== null) writeFileSync(file, JSON.stringify({ capabilities }));
      return program;
    },
    /** Units in the state `failed`, from now on. */
    failedUnits(...units: string[]): void {
      writeFileSync(failedUnits, units.map((unit) => `${unit} loaded failed failed A unit\n`).join(''));
    },
    /** `program`: the agent; by default its bundle, which is in no store. */
    async start(more: Record<string, string> = {}, program = bundle): Promise<AgentProcess> {
      const from = dashboard.received.length;
      const agent = host.start(program, dashboard.url, {
        ...nixosVariables(nixos),
        ...more,
      });
      // No heartbeat: one that reports an activation may end before it.
      await dashboard.frame('register', () => true, from);
      return agent;
    },
    /** What was called as root to change something. */
    changes: (): string[] => nixos.calls().filter((call) => !call.startsWith('systemctl ')),
    /** Runs a command to its end, and the agent again if that restarted it. */
    async run(agent: AgentProcess, command: string, id: string): Promise<AgentProcess> {
      dashboard.command(command, id);
      const { restarting } = await dashboard.result(id);
      if (!restarting) return agent;
      await agent.exit;
      return this.start();
    },
    /** The host takes another command, and that one does what it always does. */
    async expectFree(): Promise<void> {
      this.configure({ version: 'next' });
      dashboard.command('pull-switch', 'next');
      expect(await dashboard.result('next')).toMatchObject({ status: 'ok', exit_code: 0 });
      expect(readFileSync(`${nixos.running()}/nixos-version`, 'utf8')).toBe('next\n');
    },
    /** The lines of a command's output, each once, by number. */
    output(id: string): string[] {
      const lines = [...dashboard.lines(id)].sort((a, b) => a.seq - b.seq);
      return lines.map(({ line }) => line);
    },
    async remove(): Promise<void> {
      await host.remove();
      nixos.remove();
    },
  };
}

/** Gives each test such a host and a dashboard. Afterwards nothing of them runs, and every frame was readable. */
export function useNixosBench(use: (bench: NixosBench) => void): void {
  let bundle = '';
  useAgentBundle((path) => {
    bundle = path;
  });
  let bench: NixosBench;
  beforeEach(async () => {
    bench = createNixosBench(bundle, await startTestDashboard());
    use(bench);
  });
  afterEach(async () => {
    await bench.remove();
    await bench.dashboard.stop();
    expect(bench.dashboard.malformed).toEqual([]);
  });
}
