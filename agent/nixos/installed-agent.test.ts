import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { otherAgentInstalled, restartsFor } from './installed-agent';

const store = (letter: string, version: string) => `/nix/store/${letter.repeat(32)}-nixfleet-agent-${version}`;
const OWN = store('a', '4.1.0');
const NEWER = store('b', '4.2.0');

describe('the agent that the running system names', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'nixfleet-installed-'));
    mkdirSync(join(root, 'system/etc/systemd/system'), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const other = (program = `${OWN}/lib/nixfleet-agent/agent.mjs`) =>
    otherAgentInstalled({ systemLink: join(root, 'system'), program, stateDir: root });
  function unit(execStart: string): void {
    writeFileSync(
      join(root, 'system/etc/systemd/system/nixfleet-agent.service'),
      `[Unit]\nDescription=NixFleet agent\n[Service]\nExecStart=${execStart}\nUser=admin\n`,
    );
  }

  it.each([
    ['the same one', `${OWN}/bin/nixfleet-agent`, null],
    ['a newer or an older one', `${NEWER}/bin/nixfleet-agent`, NEWER],
    ['one with systemd’s prefixes and arguments', `-"${NEWER}/bin/nixfleet-agent" --x`, NEWER],
    ['a program outside the store', '/usr/local/bin/nixfleet-agent', null],
  ])('is %s', (_what, execStart, expected) => {
    unit(execStart);
    expect(other()).toBe(expected);
  });

  it('does not matter to an agent from a checkout, or where there is no unit', () => {
    expect(other()).toBeNull();
    unit(`${NEWER}/bin/nixfleet-agent`);
    expect(other('/home/alice/nixfleet/dist/agent.mjs')).toBeNull();
  });

  it('is restarted for once: one that the restart did not bring is left alone', () => {
    unit(`${NEWER}/bin/nixfleet-agent`);
    restartsFor(root, NEWER);
    expect(other()).toBeNull();
    unit(`${store('c', '4.3.0')}/bin/nixfleet-agent`);
    expect(other()).toBe(store('c', '4.3.0'));
  });
});
