import { describe, expect, it } from 'vitest';
import type { Log } from '@/lib/log';
import { TestClock } from '@/lib/fleet/testing/test-clock';
import { connectColors, placeOf, type ColorSettings } from './connect-theme';

const NOTHING: ColorSettings = {
  githubRepo: null,
  githubToken: null,
  githubApiUrl: 'https://api.github.com',
  githubPollTtlMs: 60_000,
  forgejoUrl: null,
  forgejoRepo: null,
  forgejoToken: null,
  forgejoPollTtlMs: 60_000,
  configBranch: 'main',
  flakeDir: '',
  updateFiles: [],
  updateForks: false,
  mergeMethod: 'merge',
  colorCommitMode: 'push',
  colorFile: 'theme.nix',
  configRepo: null,
  nixcfgPath: '/nowhere',
};
const GITHUB = { githubRepo: 'ada/nixcfg', githubToken: 'g' };
const FORGEJO = { forgejoUrl: 'https://git.example.org/', forgejoRepo: 'ada/nixcfg', forgejoToken: 'f' };

describe('where colours are written', () => {
  it.each<[string, Partial<ColorSettings>, ReturnType<typeof placeOf>]>([
    ['nothing', {}, null],
    ['GitHub', GITHUB, { repository: 'https://github.com/ada/nixcfg.git', token: 'g' }],
    [
      'a self-hosted GitHub',
      { ...GITHUB, githubApiUrl: 'https://ghe.example.org/api/v3' },
      { repository: 'https://ghe.example.org/ada/nixcfg.git', token: 'g' },
    ],
    ['Forgejo', FORGEJO, { repository: 'https://git.example.org/ada/nixcfg.git', token: 'f' }],
    [
      'the configured address at the same forge, with its token',
      { ...GITHUB, configRepo: 'https://github.com/ada/nixcfg' },
      { repository: 'https://github.com/ada/nixcfg', token: 'g' },
    ],
    [
      'an address elsewhere, which does not get the token',
      { ...GITHUB, configRepo: 'https://mirror.example.org/ada/nixcfg' },
      { repository: 'https://mirror.example.org/ada/nixcfg', token: null },
    ],
    [
      'the same host over http, which does not get it either',
      { ...GITHUB, configRepo: 'http://github.com/ada/nixcfg' },
      { repository: 'http://github.com/ada/nixcfg', token: null },
    ],
    [
      'ssh',
      { ...GITHUB, configRepo: 'git@github.com:ada/nixcfg' },
      { repository: 'git@github.com:ada/nixcfg', token: null },
    ],
    ['a path', { configRepo: '/srv/nixcfg.git' }, { repository: '/srv/nixcfg.git', token: null }],
  ])('%s', (_what, change, expected) => {
    expect(placeOf({ ...NOTHING, ...change })).toEqual(expected);
  });

  it('nowhere when it is off', () => {
    const executors = (change: Partial<ColorSettings>) =>
      connectColors({ ...NOTHING, ...change }, null, new TestClock(), {} as Log);
    expect(executors({ ...GITHUB, colorCommitMode: 'off' })).toEqual({});
    expect(executors({})).toEqual({});
    expect(executors(GITHUB)).toHaveProperty('set-color');
  });
});
