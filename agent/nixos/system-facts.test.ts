import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runs, specialisationsOf } from './system-facts';

describe('the specialisations of a system', () => {
  let root: string;
  let system: string;
  let variant: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'nixfleet-facts-'));
    system = join(root, 'a-nixos-system');
    variant = join(root, 'b-nixos-system');
    mkdirSync(join(system, 'specialisation'), { recursive: true });
    mkdirSync(variant);
    symlinkSync(variant, join(system, 'specialisation', 'quiet'));
    symlinkSync(join(root, 'missing'), join(system, 'specialisation', 'broken'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('are known by their store paths, which do not name the system', () => {
    expect([...specialisationsOf(system)]).toEqual([[variant, 'quiet']]);
    expect([...specialisationsOf(variant)]).toEqual([]);
  });

  it.each([
    ['the system', () => system, true],
    ['a specialisation of it', () => variant, true],
    ['another system', () => join(root, 'missing'), false],
    ['nothing that is known', () => '', false],
  ])('%s runs', (_what, running, expected) => {
    expect(runs(running(), system)).toBe(expected);
  });

  it('are none of a system that is not known', () => {
    expect(runs('', '')).toBe(false);
    expect([...specialisationsOf('')]).toEqual([]);
  });
});
