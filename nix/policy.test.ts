/** The option `policy` of the modules: what they write is what the agent reads, and they refuse what it would refuse. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parsePolicy } from '../agent/policy/policy-file';

const hasNix = spawnSync('nix-instantiate', ['--version']).status === 0;
const NIX_TIMEOUT_MS = 60_000;

function evaluate(what: readonly string[]): string {
  return execFileSync('nix-instantiate', ['--eval', '--strict', '--json', ...what], {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: NIX_TIMEOUT_MS,
  });
}

const schema = z.object({
  files: z.record(z.string(), z.string()),
  without: z.record(z.string(), z.boolean()),
  variables: z.object({
    home: z.array(z.string()),
    homeWithout: z.array(z.string()),
    homeDarwin: z.record(z.string(), z.string()),
    nixos: z.record(z.string(), z.string()),
  }),
  faults: z.record(z.string(), z.array(z.string())),
  unconfirmable: z.record(z.string(), z.array(z.string())),
  confirmable: z.record(z.string(), z.array(z.string())),
  refused: z.record(z.string(), z.string()),
});

describe.skipIf(!hasNix)('the policy of the modules (skipped without nix-instantiate)', () => {
  let made: z.infer<typeof schema>;
  beforeAll(() => {
    made = schema.parse(JSON.parse(evaluate(['nix/tests/policy.nix'])));
  }, NIX_TIMEOUT_MS);
  const read = (name: string) => parsePolicy(made.files[name] ?? '', []);

  it('is written in a form that the agent reads, alike by all three', () => {
    for (const name of ['nixos', 'darwin', 'home'])
      expect(read(name), name).toMatchObject({
        policy: {
          operations: ['pull', 'switch'],
          hours: {
            zone: 'Europe/Berlin',
            windows: [
              { days: ['sat'], from: 1_320, to: 240 },
              { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: 0, to: 1_440 },
            ],
          },
          branches: ['main', 'release/26.05'],
          signers: { keys: [{ principals: 'alice@example.org' }], file: '' },
          oldestCommit: '0123456789abcdef0123456789abcdef01234567',
          confirmed: true,
        },
      });
    expect(read('empty')).toEqual(parsePolicy('{}', []));
    expect(read('nothing')).toMatchObject({ policy: { operations: [] } });
  });

  it('is no file without the option, and Home Manager names its file only where it writes one', () => {
    expect(made.without).toEqual({ nixos: false, darwin: false, home: false });
    const { home, homeWithout, homeDarwin, nixos } = made.variables;
    const path = '/home/you/.config/nixfleet-agent/policy.json';
    expect(home).toContain(JSON.stringify(`NIXFLEET_POLICY_FILE=${path}`));
    expect(homeDarwin['NIXFLEET_POLICY_FILE']).toBe(path);
    expect(homeWithout.join('\n')).not.toContain('NIXFLEET_POLICY_FILE');
    // The agent's default is the file of the system.
    expect(nixos).not.toHaveProperty('NIXFLEET_POLICY_FILE');
  });

  it('refuses what the agent would refuse', () => {
    const { none, ...faults } = made.faults;
    expect(none).toEqual([]);
    for (const [name, messages] of Object.entries(faults)) {
      expect(messages, name).toHaveLength(1);
      expect(messages[0], name).toMatch(/^services\.nixfleet-agent\.policy\.\w+: /);
    }
    expect(new Set(Object.values(made.refused))).toEqual(new Set(['refused']));
    expect(Object.keys(made.refused)).toHaveLength(13);
  });

  it('refuses confirmed switches only where no switch can be confirmed', () => {
    for (const [name, messages] of Object.entries(made.unconfirmable))
      expect(messages, name).toEqual([expect.stringContaining("switches of Home Manager can't be confirmed")]);
    for (const [name, messages] of Object.entries(made.confirmable)) expect(messages, name).toEqual([]);
  });
});

const NIXPKGS_LIB = process.env['NIXPKGS_LIB'] ?? '';

describe.skipIf(!hasNix || NIXPKGS_LIB === '')(
  'the policy in the real module system (skipped unless NIXPKGS_LIB names a checkout of nixpkgs’ lib)',
  () => {
    it.each(['nixos', 'darwin', 'home'])('is merged from two definitions (%s)', (name) => {
      const expression = `(import ./nix/tests/real-modules.nix ${NIXPKGS_LIB}).policies.${name}`;
      const text = z.string().parse(JSON.parse(evaluate(['--expr', expression])));
      const parsed = parsePolicy(text, []);
      if (!('policy' in parsed)) throw new Error(parsed.problem);
      const { branches, signers, hours } = parsed.policy;
      expect([...(branches ?? [])].sort()).toEqual(['main', 'release']);
      expect(signers?.keys.map(({ principals }) => principals).sort()).toEqual([
        'alice@example.org',
        'bob@example.org',
      ]);
      expect(hours?.windows).toEqual([
        { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: 1_320, to: 240 },
      ]);
    });
  },
);
