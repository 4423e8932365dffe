import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentNames, forgetRestart, otherAgentInstalled, readUnit, restartsFor, unitFile } from './installed-agent';

const store = (letter: string, version: string) => `/nix/store/${letter.repeat(32)}-nixfleet-agent-${version}`;
const OWN = store('a', '4.1.0');
const NEWER = store('b', '4.2.0');

describe('the agent that the unit names', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'nixfleet-installed-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const other = (program = `${OWN}/lib/nixfleet-agent/agent.mjs`, unitAtStart = readUnit(path())) =>
    otherAgentInstalled({ unit: path(), program, unitAtStart, stateDir: root });
  const path = () => join(root, 'nixfleet-agent.service');
  function unit(execStart: string): void {
    writeFileSync(
      join(root, 'nixfleet-agent.service'),
      `[Unit]\nDescription=NixFleet agent\n[Service]\nExecStart=${execStart}\nUser=admin\n`,
    );
  }

  it.each([
    ['the same one', `${OWN}/bin/nixfleet-agent`, null],
    ['a newer or an older one', `${NEWER}/bin/nixfleet-agent`, NEWER],
    ['one with systemd’s prefixes and arguments', `-"${NEWER}/bin/nixfleet-agent" --x`, NEWER],
    ['one in a store of another folder', `/data${NEWER}/bin/nixfleet-agent`, `/data${NEWER}`],
    ['a program outside the store', '/usr/local/bin/nixfleet-agent', null],
  ])('is %s', (_what, execStart, expected) => {
    unit(execStart);
    expect(other()).toBe(expected);
  });

  it('is the same one with other settings', () => {
    unit(`${OWN}/bin/nixfleet-agent`);
    const atStart = readUnit(path());
    expect(other(undefined, atStart)).toBeNull();
    unit(`${OWN}/bin/nixfleet-agent\nEnvironment=NIXFLEET_INTERVAL=9`);
    expect(other(undefined, atStart)).toBe(OWN);
    expect(other()).toBeNull();
  });

  it('is ignored by an agent from a checkout, and when the unit is missing', () => {
    expect(other()).toBeNull();
    unit(`${NEWER}/bin/nixfleet-agent`);
    expect(other('/home/alice/nixfleet/dist/agent.mjs')).toBeNull();
  });

  it('causes one restart only, even if the restart does not start it', () => {
    unit(`${NEWER}/bin/nixfleet-agent`);
    restartsFor(root, NEWER);
    expect(other()).toBeNull();
    unit(`${store('c', '4.3.0')}/bin/nixfleet-agent`);
    expect(other()).toBe(store('c', '4.3.0'));
  });

  it('causes another restart once it was started, or the host went back to the unit of this process', () => {
    const program = `${OWN}/lib/nixfleet-agent/agent.mjs`;
    restartsFor(root, NEWER);
    unit(`${NEWER}/bin/nixfleet-agent`);
    forgetRestart({ unit: path(), program, stateDir: root });
    expect(other()).toBeNull();
    unit(`${OWN}/bin/nixfleet-agent`);
    forgetRestart({ unit: path(), program, stateDir: root });
    unit(`${NEWER}/bin/nixfleet-agent`);
    expect(other()).toBe(NEWER);
  });
});

it.each([
  ['of NixOS', { isUserService: false, hostType: 'nixos' }, '/run/current-system/etc/systemd/system'],
  ['of Home Manager on Linux', { isUserService: true, hostType: 'macos' }, '/home/u/.config/systemd/user'],
  [
    'of Home Manager that switches the system',
    { isUserService: true, hostType: 'nixos' },
    '/home/u/.config/systemd/user',
  ],
  ['of Home Manager with XDG_CONFIG_HOME', { isUserService: true, configHome: '/cfg' }, '/cfg/systemd/user'],
] as const)('the unit %s is read', (_what, of, folder) => {
  const host = { hostType: 'nixos', systemLink: '/run/current-system', home: '/home/u', configHome: '' } as const;
  expect(unitFile({ ...host, ...of })).toBe(`${folder}/nixfleet-agent.service`);
});

it('launchd itself starts a new agent', () => {
  const mac = { isUserService: false, hostType: 'macos', systemLink: '/p', home: '/Users/u', configHome: '' } as const;
  expect(unitFile(mac)).toBeNull();
});

describe('what the agent of a package can do', () => {
  let agentPackage = '';
  beforeEach(() => {
    agentPackage = mkdtempSync(join(tmpdir(), 'nixfleet-package-'));
    mkdirSync(join(agentPackage, 'share/nixfleet-agent'), { recursive: true });
  });
  afterEach(() => rmSync(agentPackage, { recursive: true }));
  const says = (text: string) => writeFileSync(join(agentPackage, 'share/nixfleet-agent/capabilities.json'), text);

  it('is what its file names; without one that can be read, nothing', () => {
    expect(agentNames(agentPackage, 'confirm')).toBe(false);
    says('{"version":"4.1.0","capabilities":["pull","confirm","what-comes-later"]}');
    expect([agentNames(agentPackage, 'confirm'), agentNames(agentPackage, 'boot')]).toEqual([true, false]);
    says('{"capabilities":"confirm"}');
    expect(agentNames(agentPackage, 'confirm')).toBe(false);
    says('confirm');
    expect(agentNames(agentPackage, 'confirm')).toBe(false);
  });
});
