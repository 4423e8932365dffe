import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { judgeGeneration, looserRule } from './judge-generation';
import { parsePolicy, type Policy, type PolicyState } from './policy-file';

const KEYS = [
  'alice ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJHb0kPPFv0DrHSL8CpnXKkSRFkBdBqL2nbyqwJ4wSqN',
  'bob ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAb0kPPFv0DrHSL8CpnXKkSRFkBdBqL2nbyqwJ4wSqN',
] as const;
const HOURS = { zone: 'UTC', windows: [{ days: ['mon'], from: '01:00', to: '02:00' }] };

function policy(content: object): Policy {
  const parsed = parsePolicy(JSON.stringify(content), []);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.policy;
}

describe('an earlier policy', () => {
  it.each([
    ['operations', { operations: ['pull'] }, { operations: ['pull', 'reboot'] }],
    ['operations, where all were accepted', { operations: ['pull'] }, {}],
    ['hours', { hours: HOURS }, {}],
    ['other hours', { hours: HOURS }, { hours: { ...HOURS, zone: 'Europe/Berlin' } }],
    ['branches', { branches: ['main'] }, { branches: ['main', 'next'] }],
    ['signers', { signers: KEYS[0] }, { signers: KEYS.join('\n') }],
    ['signers, where none was needed', { signers: KEYS[0] }, {}],
    ['another key of a signer', { signers: KEYS[0] }, { signers: KEYS[1].replace('bob', 'alice') }],
    ['an earlier oldest commit', { oldestCommit: '1'.repeat(40) }, { oldestCommit: '2'.repeat(40) }],
    ['any commit', { oldestCommit: '1'.repeat(40) }, {}],
    ['switches that are not confirmed', { confirmed: true }, {}],
  ])('that accepts more (%s) is looser', (_name, now, then) => {
    expect(looserRule(policy(then), policy(now))).not.toBeNull();
    expect(looserRule(policy(now), policy(now))).toBeNull();
  });

  it('that accepts less is not looser', () => {
    const now = policy({ operations: ['pull', 'switch'], branches: ['main', 'next'], signers: KEYS.join('\n') });
    const then = policy({
      operations: ['pull'],
      hours: HOURS,
      branches: ['next'],
      signers: KEYS[1],
      oldestCommit: '1'.repeat(40),
      confirmed: true,
    });
    expect(looserRule(then, now)).toBeNull();
    expect(looserRule(then, policy({}))).toBeNull();
  });
});

describe('going back', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'nixfleet-generation-'))));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** The folder of a system or a home, with this policy at the place. */
  function made(name: string, place: string, content: string | null): string {
    const folder = join(root, name);
    mkdirSync(join(folder, place, '..'), { recursive: true });
    if (content !== null) writeFileSync(join(folder, place), content);
    return folder;
  }
  const now: PolicyState = { kind: 'set', source: '/p', policy: policy({ operations: ['rollback'] }) };
  const SYSTEM = 'etc/nixfleet-agent/policy.json';
  const HOME = 'home-files/.config/nixfleet-agent/policy.json';

  it.each([
    ['NixOS', 'nixos', '/etc/nixfleet-agent/policy.json', SYSTEM],
    ['Home Manager', 'macos', '/home/u/.config/nixfleet-agent/policy.json', HOME],
  ] as const)('on %s is judged by the policy of the generation', (_name, hostType, policyFile, place) => {
    const config = {
      hostType,
      policyFile,
      systemLink: made('running', place, '{"operations":["rollback"]}'),
      home: '/home/u',
      stateDir: join(root, 'state'),
      repoDir: join(root, 'repo'),
    };
    const judge = (content: string | null) =>
      judgeGeneration(config, now, 'generation 3', made(`target-${String(content?.length)}`, place, content))?.reason ??
      null;
    expect(judge('{"operations":["rollback"]}')).toBeNull();
    expect(judge('{"operations":[]}')).toBeNull();
    expect(judge('{}')).toBe('looser-policy');
    expect(judge(null)).toBe('looser-policy');
    // What can't be used refuses everything: that is never looser.
    expect(judge('{')).toBeNull();
    expect(judgeGeneration(config, now, 'the previous generation', null)?.reason).toBe('looser-policy');
    expect(judgeGeneration(config, { kind: 'none', source: '/p' }, 'generation 3', null)).toBeNull();
  });

  it('keeps a policy that is no part of the system', () => {
    const config = {
      hostType: 'nixos',
      policyFile: '/etc/nixfleet-agent/policy.json',
      systemLink: made('running', SYSTEM, null),
      home: '/home/u',
      stateDir: join(root, 'state'),
      repoDir: join(root, 'repo'),
    } as const;
    expect(judgeGeneration(config, now, 'generation 3', made('target', SYSTEM, null))).toBeNull();
  });
});
