/** The modules in nixpkgs' real module system, where a checkout of its lib is at hand. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { evaluate, hasNix } from './testing/evaluate';

const NIXPKGS_LIB = process.env['NIXPKGS_LIB'] ?? '';
const imported = z.object({
  restartSec: z.number(),
  environment: z.record(z.string(), z.string()),
  warnings: z.array(z.string()),
});

describe.skipIf(!hasNix || NIXPKGS_LIB === '')(
  'the modules in the real module system (skipped unless NIXPKGS_LIB names a checkout of nixpkgs’ lib)',
  () => {
    it.each(['nixos', 'home', 'dashboard'])('%s may be imported twice, and its settings overridden', (name) => {
      const made = imported.parse(evaluate(`(import ./nix/tests/real-modules.nix ${NIXPKGS_LIB}).${name}`));
      expect(made.restartSec).toBe(7);
      expect(made.warnings).toEqual([]);
      expect(Object.keys(made.environment)).not.toEqual([]);
    });

    it('the one for Home Manager sees the NixOS that it is a part of', () => {
      const warnings = evaluate(`(import ./nix/tests/real-modules.nix ${NIXPKGS_LIB}).homeInNixos`);
      expect(warnings).toEqual([expect.stringContaining('users.users.you.linger = true')]);
    });

    it('the one for nix-darwin may be imported twice', () => {
      const made = evaluate(`(import ./nix/tests/real-modules.nix ${NIXPKGS_LIB}).darwin`);
      expect(made).toMatchObject({ NIXFLEET_URL: 'wss://fleet.example.org/ws' });
    });
  },
);
