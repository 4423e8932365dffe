/** NixOS hosts of one store for real agents: the real Nix and nixfleet-root, and stand-ins for systemd and switch-to-configuration. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { makeNixos, openNixos, removeFolder, type TestNixos } from '@/agent/root-helper/testing/test-nixos';
import { installStandIns, nixosVariables } from '@/agent/nixos/testing/stand-ins';
import { EMPTY_LOCK, fleetFlakeOf } from '@/agent/nixos/testing/test-flake';
import type { TestHost } from '@/agent/testing/host';

export { hasNix } from '@/agent/root-helper/testing/test-nixos';

interface NixosHost {
  name: string;
  host: TestHost;
  nixos: TestNixos;
  /** Settings of its agent. */
  variables: Record<string, string>;
}

export type NixosFleet = ReturnType<typeof makeNixosFleet>;

/** `makeHost`: a host whose folder somebody else takes away. Agents end before `remove`. */
export function makeNixosFleet(names: readonly string[], makeHost: (name: string) => TestHost) {
  const root = mkdtempSync(join(tmpdir(), 'nixfleet-e2e-nixos-'));
  const hosts = names.map((name): NixosHost => {
    const host = makeHost(name);
    const folder = join(root, name);
    mkdirSync(folder);
    const systems = makeNixos(folder, 1, {}, root);
    const nixos = openNixos(folder, systems, () => undefined, root);
    installStandIns(nixos, host);
    return { name, host, nixos, variables: nixosVariables(nixos) };
  });
  const [first] = hosts;
  if (!first) throw new Error('no hosts');
  // One repository for all.
  for (const each of hosts) each.variables['NIXFLEET_REPO_URL'] = first.host.remote;
  const of = (name: string): NixosHost => {
    const found = hosts.find((each) => each.name === name);
    if (!found) throw new Error(`no host ${name}`);
    return found;
  };
  /** The timers of the switches that are under way on a host, by their unit. */
  const timersOf = ({ nixos }: NixosHost) =>
    readdirSync(nixos.path('units')).flatMap((unit) => {
      const [, id, round] = /^nixfleet-back-(.+)\.(\d+)\.timer$/.exec(unit) ?? [];
      return id === undefined ? [] : [{ id, round: Number(round) }];
    });

  return {
    hosts,
    /** Makes the repository build this version on each host. `checks`: the content of the file of checks, by host. */
    configure(version: string, checks: Readonly<Record<string, object>>): void {
      const files = {
        'flake.nix': fleetFlakeOf(
          hosts.map(({ name, nixos }) => ({
            name,
            nixos,
            source: { version, checks: checks[name] ?? { units: { settle: 0 }, tests: 'off' } },
          })),
        ),
        'flake.lock': EMPTY_LOCK,
      };
      first.host.commit(files, `version ${version}`);
    },
    running: (name: string) => of(name).nixos.running(),
    generation: (name: string) => of(name).nixos.generation(),
    version: (name: string) => readFileSync(join(of(name).nixos.running(), 'nixos-version'), 'utf8').trim(),
    /** The profile points at the system that runs. */
    bootsWhatRuns: (name: string) => {
      const { nixos } = of(name);
      return nixos.generationSystem() === nixos.running();
    },
    /** The timer of the switch elapses once it is armed to go back: for the third time. */
    async goesBack(name: string): Promise<void> {
      const host = of(name);
      const find = () => timersOf(host).find(({ round }) => round === 3);
      await expect.poll(() => find() !== undefined).toBe(true);
      const { id, round } = find() ?? { id: '', round: 0 };
      host.nixos.elapse(id, round);
    },
    /** Folders of nixfleet-root and links that protect systems, of switches that have ended. */
    leftovers: (name: string) => {
      const { nixos } = of(name);
      return [...(existsSync(nixos.stateDir) ? readdirSync(nixos.stateDir) : []), ...nixos.roots()];
    },
    remove(): void {
      for (const { nixos } of hosts) nixos.remove();
      removeFolder(root);
    },
  };
}
