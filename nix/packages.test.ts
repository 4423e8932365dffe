/** The Nix files and packages, as far as they can be proven without nixpkgs. What needs it is listed in docs/nix.md. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SERVER_OPTIONS } from '../scripts/server-command.mjs';
import { evaluate, hasNix, nix, NIX_TIMEOUT_MS, ROOT } from './testing/evaluate';

const nixFiles = [
  'flake.nix',
  ...readdirSync(join(ROOT, 'nix'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.nix'))
    .map((name) => join('nix', name)),
];

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      resolved: z.string().optional(),
      integrity: z.string().optional(),
    }),
  ),
});

describe.skipIf(!hasNix)('the Nix files (skipped without nix-instantiate)', () => {
  it.each(nixFiles)('%s parses', (file) => {
    expect(nix(['--parse', file])).not.toBe('');
  });
});

describe.skipIf(!hasNix)('the completed lockfile (skipped without nix-instantiate)', () => {
  const complete = (system: string, lockfile = 'builtins.fromJSON (builtins.readFile ./package-lock.json)') =>
    lockSchema.parse(
      evaluate(
        `(import ./nix/packages/lockfile.nix { registry = "https://packages.example.org"; system = "${system}"; }).completeLockfile (${lockfile})`,
      ),
    ).packages;

  it('gives an address only to packages of the system', () => {
    const before = lockSchema.parse(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))).packages;
    const packages = complete('x86_64-linux');
    expect(packages['node_modules/ws']?.resolved).toBe(
      `https://packages.example.org/ws/-/ws-${before['node_modules/ws']?.version ?? ''}.tgz`,
    );
    expect(packages['node_modules/@node-rs/bcrypt-linux-x64-gnu']?.resolved).toBe(
      'https://packages.example.org/@node-rs/bcrypt-linux-x64-gnu/-/bcrypt-linux-x64-gnu-2.0.0.tgz',
    );
    for (const path of [
      'node_modules/@node-rs/bcrypt-linux-x64-musl',
      'node_modules/@node-rs/bcrypt-darwin-arm64',
      'node_modules/@next/swc-win32-x64-msvc',
    ]) {
      expect(packages[path], path).toBeDefined();
      expect(packages[path]?.resolved, path).toBeUndefined();
    }
    expect(Object.entries(packages).filter(([, entry]) => entry.resolved && !entry.integrity)).toEqual([]);
    // Nothing is lost: npm refuses a lockfile without the packages of other systems. Only the second SQLite is omitted.
    const lacking = Object.keys(before).filter((path) => packages[path] === undefined);
    expect(lacking).toEqual(['node_modules/better-sqlite3-node20']);
  });

  it('names a package of the system that has no hash', () => {
    const lockfile = `{ packages = { "" = {}; "node_modules/a" = { version = "1.0.0"; }; }; }`;
    expect(() => complete('x86_64-linux', lockfile)).toThrow(/no hash of a, which x86_64-linux needs/);
  });

  it("follows npm's rule for systems, aliases and nested packages", () => {
    const hash = 'integrity = "sha512-x"; version = "1.2.3";';
    const packages = complete(
      'aarch64-darwin',
      `{ packages = { "" = {};
        "node_modules/not-here" = { ${hash} os = [ "!darwin" ]; };
        "node_modules/here" = { ${hash} os = [ "!win32" ]; cpu = [ "arm64" "x64" ]; };
        "node_modules/alias" = { ${hash} name = "@scope/real"; };
        "node_modules/a/node_modules/@b/c" = { ${hash} };
        "node_modules/bundled" = { version = "1.2.3"; inBundle = true; };
      }; }`,
    );
    expect(Object.entries(packages).map(([path, { resolved }]) => [path, resolved ?? null])).toEqual([
      ['', null],
      ['node_modules/a/node_modules/@b/c', 'https://packages.example.org/@b/c/-/c-1.2.3.tgz'],
      ['node_modules/alias', 'https://packages.example.org/@scope/real/-/real-1.2.3.tgz'],
      ['node_modules/bundled', null],
      ['node_modules/here', 'https://packages.example.org/here/-/here-1.2.3.tgz'],
      ['node_modules/not-here', null],
    ]);
  });

  it('takes the address of the registry from nixpkgs, and says what to do if it is not found', () => {
    const registry = (pkgs: string) => evaluate(`import ./nix/packages/registry.nix (${pkgs})`);
    expect(registry('{ pnpm_9.src.urls = [ "https://packages.example.org/pnpm/-/pnpm-9.0.0.tgz" ]; }')).toBe(
      'https://packages.example.org',
    );
    expect(() => registry('{ pnpm.src.url = "https://elsewhere.example.org/pnpm.tar.gz"; }')).toThrow(/npmRegistry/);
  });
});

const packageSchema = z.object({
  pname: z.string(),
  version: z.string(),
  buildPhase: z.string(),
  installPhase: z.string(),
  fetched: z.number(),
  resolved: z.string(),
  optional: z.array(z.string()),
});
const systemsSchema = z.object({ packages: z.array(z.string()), shells: z.array(z.string()) });
const flakeSchema = z.object({
  names: z.array(z.string()),
  packages: z.record(z.string(), z.array(z.string())),
  intelMac: z.record(z.string(), systemsSchema),
  modules: z.record(z.string(), z.array(z.string())),
  overlay: z.array(z.string()),
  agent: packageSchema,
  dashboard: packageSchema,
});

describe.skipIf(!hasNix)('the flake (skipped without nix-instantiate)', () => {
  let flake: z.infer<typeof flakeSchema>;
  beforeAll(() => {
    flake = flakeSchema.parse(JSON.parse(nix(['--eval', '--strict', '--json', 'nix/tests/flake-outputs.nix'])));
  }, NIX_TIMEOUT_MS);

  it('has the outputs that docs/nix.md lists', () => {
    expect(flake.names).toEqual([
      'checks',
      'darwinModules',
      'devShells',
      'homeManagerModules',
      'homeModules',
      'nixosModules',
      'overlays',
      'packages',
    ]);
    const linux = ['default', 'nixfleet', 'nixfleet-agent'];
    const darwin = ['default', 'nixfleet-agent'];
    expect(flake.packages).toEqual({
      'x86_64-linux': linux,
      'aarch64-linux': linux,
      'x86_64-darwin': darwin,
      'aarch64-darwin': darwin,
    });
    expect(flake.modules).toEqual({
      nixos: ['default', 'nixfleet', 'nixfleet-agent'],
      home: ['default', 'nixfleet-agent'],
      homeAsBefore: ['default', 'nixfleet-agent'],
      darwin: ['default', 'nixfleet-agent'],
    });
    expect(flake.overlay).toEqual(['nixfleet', 'nixfleet-agent']);
  });

  it('offers Intel Macs what the given nixpkgs still supports, and evaluates with one that has dropped them', () => {
    const { supported, stillSupported, dropped, missing } = flake.intelMac;
    const others = ['aarch64-darwin', 'aarch64-linux', 'x86_64-linux'];
    const all = ['aarch64-darwin', 'aarch64-linux', 'x86_64-darwin', 'x86_64-linux'];
    for (const made of [supported, stillSupported]) expect(made).toEqual({ packages: all, shells: all });
    for (const made of [dropped, missing]) expect(made).toEqual({ packages: others, shells: others });
  });

  it('builds both packages with the programs of this project, one version and the completed lockfile', () => {
    const version = readFileSync(join(ROOT, 'VERSION'), 'utf8').trim();
    for (const made of [flake.agent, flake.dashboard]) {
      expect(made.version).toBe(version);
      expect(made.resolved).toMatch(/^https:\/\/packages\.example\.org\/esbuild\/-\/esbuild-\d/);
      expect(made.fetched).toBeGreaterThan(300);
      expect(made.optional).not.toContain('better-sqlite3-node20');
      for (const [script] of made.buildPhase.matchAll(/scripts\/[\w/-]+\.mjs/g))
        expect(existsSync(join(ROOT, script)), script).toBe(true);
    }
    expect(flake.agent.installPhase).toContain('dist/agent.mjs');
    // The agent that switches to a system with this package reads it there.
    expect(flake.agent.installPhase).toContain('node dist/agent.mjs --capabilities > capabilities.json');
    expect(flake.agent.installPhase).toContain('"$out/share/nixfleet-agent/capabilities.json"');
    const options = SERVER_OPTIONS.join(' ');
    expect(flake.dashboard.installPhase).toContain(`--add-flags "${options} $out/lib/nixfleet/dist/server.mjs"`);
  });
});
