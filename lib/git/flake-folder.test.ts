import { describe, expect, it } from 'vitest';
import { flakeFolderOf, lockFileIn } from './flake-folder';

describe('the folder of the flake', () => {
  it.each([
    ['', ''],
    ['.', ''],
    ['./', ''],
    ['nix', 'nix'],
    ['./systems/home/', 'systems/home'],
    ['with blank', 'with blank'],
  ])('%j is %j', (written, folder) => {
    expect(flakeFolderOf(written)).toBe(folder);
  });

  it.each([
    '/',
    '/srv/nixcfg',
    '..',
    'a/../b',
    'a//b',
    '.git',
    'a/.git/b',
    '-x',
    'a?b',
    'a#b',
    'a%2fb',
    'a\\b',
    'a\nb',
  ])('%j is none', (written) => {
    expect(flakeFolderOf(written)).toBeNull();
  });

  it('holds flake.lock', () => {
    expect([lockFileIn(''), lockFileIn('systems/home')]).toEqual(['flake.lock', 'systems/home/flake.lock']);
  });
});
