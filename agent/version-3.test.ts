/**
 * Every variable that the agent of version 3 read, with values that its code accepted: each means the same, or a warning
 * says what is used instead. Secrets, addresses and names that can't work end the agent.
 */
import { describe, expect, it } from 'vitest';
import { readAgentConfig, type AgentConfig, type MachineFacts } from './config';

const machine: MachineFacts = {
  platform: 'linux',
  home: '/home/u',
  name: 'box',
  readFile: () => '',
  mayWrite: () => true,
  homeProfile: (stateHome) => `${stateHome}/nix/profiles/home-manager`,
  startedIn: '/srv',
};
/** As the NixOS module of version 3 sets them: it sets empty ones, too. */
const MODULE = {
  NIXFLEET_URL: 'wss://fleet.example.com/ws',
  NIXFLEET_TOKEN: 'c0ffee00'.repeat(8),
  NIXFLEET_NIXCFG: '',
  NIXFLEET_REPO_URL: 'git@github.com:you/nixcfg.git',
  NIXFLEET_BRANCH: 'main',
  NIXFLEET_INTERVAL: '5',
  NIXFLEET_LOG_LEVEL: 'info',
  NIXFLEET_LOCATION: 'cloud',
  NIXFLEET_DEVICE_TYPE: 'server',
  NIXFLEET_TOKEN_CACHE: '/var/lib/nixfleet-agent/token',
};
const read = (name: string, value: string) => readAgentConfig({ ...MODULE, [`NIXFLEET_${name}`]: value }, machine);

type Row = [name: string, value: string, means: Partial<AgentConfig>];

const SAME: readonly Row[] = [
  ['URL', 'ws://10.0.0.1:8000/ws', { url: 'ws://10.0.0.1:8000/ws' }],
  ['TOKEN', 'short', { token: 'short' }],
  ['REPO_URL', 'https://github.com/you/nixcfg.git', { repoUrl: 'https://github.com/you/nixcfg.git' }],
  ['REPO_DIR', '/srv/nixcfg', { repoDir: '/srv/nixcfg' }],
  ['NIXCFG', '/srv/nixcfg', { repoDir: '/srv/nixcfg' }],
  ['BRANCH', 'feature/x', { branch: 'feature/x' }],
  ['BRANCH', 'über+neu', { branch: 'über+neu' }],
  ['SSH_KEY', '/run/secrets/key', { sshKey: '/run/secrets/key' }],
  ['INTERVAL', '30', { intervalS: 30 }],
  ['INTERVAL', '+30', { intervalS: 30 }],
  ['INTERVAL', '00030', { intervalS: 30 }],
  ['LOG_LEVEL', 'debug', { logLevel: 'debug' }],
  ['LOG_LEVEL', 'error', { logLevel: 'error' }],
  ['HOSTNAME', 'imac0', { hostname: 'imac0' }],
  ['NIXPKGS_VERSION', '24.05pre123456', { nixpkgsVersion: '24.05pre123456' }],
  ['THEME_COLOR', '#7aa2f7', { themeColor: '#7aa2f7' }],
  ['THEME_COLOR', '#7AA2F7', { themeColor: '#7aa2f7' }],
  ['THEME_COLOR', '#abc', { themeColor: '#aabbcc' }],
  ['LOCATION', 'garage', { location: 'garage' }],
  ['DEVICE_TYPE', 'toaster', { deviceType: 'toaster' }],
];

const WITH_WARNING: readonly Row[] = [
  ['THEME_COLOR', 'blue', { themeColor: '' }],
  ['THEME_COLOR', '7aa2f7', { themeColor: '' }],
  ['INTERVAL', '7200', { intervalS: 3600 }],
  ['LOG_LEVEL', 'trace', { logLevel: 'info' }],
  ['LOG_LEVEL', 'warning', { logLevel: 'info' }],
  ['REPO_DIR', 'nixcfg', { repoDir: '/srv/nixcfg' }],
  ['NIXCFG', './nixcfg', { repoDir: '/srv/nixcfg' }],
  ['SSH_KEY', 'keys/id', { sshKey: '/srv/keys/id' }],
  ['REPO_DIR', '~/nixcfg', { repoDir: '/home/u/nixcfg' }],
  ['CA_FILE', '/etc/ca.pem', {}],
  ['PINNED_PUBKEY', 'sha256//x', {}],
  ['ALLOW_INSECURE_HTTP', 'true', {}],
];

const ENDS: readonly [name: string, value: string, remedy: string][] = [
  ['URL', 'wss://fleet.example.com', 'Write wss://fleet.example.com/ws.'],
  ['URL', 'https://fleet.example.com/ws', 'write wss://fleet.example.com/ws.'],
  ['TOKEN', 'two words', 'copy it again.'],
  ['REPO_URL', '--upload-pack=evil', 'write https://…, ssh://…, git@host:path or an absolute path.'],
  ['BRANCH', 'a..b', 'write main, for example.'],
  ['HOSTNAME', 'my host', 'write 1 to 63 letters, digits,'],
  ['INTERVAL', 'often', 'write a whole number from 1 to '],
  ['INTERVAL', '0', 'write a whole number from 1 to '],
];

describe('the environment of version 3 on a host', () => {
  it('is read without a warning as its module sets it', () => {
    expect(readAgentConfig(MODULE, machine)).toMatchObject({
      ok: true,
      warnings: [],
      config: { repoDir: '/var/lib/nixfleet-agent/repo', location: 'cloud', deviceType: 'server' },
    });
  });

  it.each(SAME)('means the same: %s=%s', (name, value, means) => {
    expect(read(name, value)).toMatchObject({ ok: true, config: means, warnings: [] });
  });

  it.each(WITH_WARNING)('is read with a warning: %s=%s', (name, value, means) => {
    expect(read(name, value)).toMatchObject({
      ok: true,
      config: means,
      warnings: [expect.stringMatching(new RegExp(`^NIXFLEET_${name} .*(?:used|left out|no effect)`))],
    });
  });

  it.each(ENDS)('ends the agent, and says what to write: %s=%s', (name, value, remedy) => {
    const result = read(name, value);
    expect(result.ok ? [] : result.problems).toEqual([expect.stringContaining(remedy)]);
    if (!result.ok) expect(result.problems[0]).toContain(`NIXFLEET_${name}`);
  });
});
