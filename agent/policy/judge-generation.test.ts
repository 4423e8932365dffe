import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { judgeGeneration, looserRule, unusablePolicy } from './judge-generation';
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
    // It would refuse everything from then on, also the way back.
    expect(judge('{')).toBe('policy-unreadable');
    expect(judgeGeneration(config, now, 'the previous generation', null)?.reason).toBe('looser-policy');
    const none: PolicyState = { kind: 'none', source: '/p' };
    expect(judgeGeneration(config, none, 'generation 3', null)).toBeNull();
    expect(judgeGeneration(config, none, 'generation 3', made('broken', place, '{'))).toMatchObject({
      reason: 'policy-unreadable',
    });
  });

  describe('with a list of signers', () => {
    const LIST = 'etc/nixfleet-agent/signers';
    /** A system of the store with a policy and its list; null: without the list. */
    function system(name: string, list: string | null, signersFile: string): string {
      const folder = made(join('store', name), SYSTEM, JSON.stringify({ signersFile }));
      return list === null ? folder : made(join('store', name), LIST, list);
    }
    function host(list: string | null, signersFile: string) {
      symlinkSync(system('running', list, signersFile), join(root, 'current'));
      const config = {
        hostType: 'nixos',
        policyFile: '/etc/nixfleet-agent/policy.json',
        systemLink: join(root, 'current'),
        home: '/home/u',
        stateDir: join(root, 'state'),
        repoDir: join(root, 'repo'),
      } as const;
      const parsed = policy({ signers: KEYS[0] });
      const signers = parsed.signers === null ? null : { ...parsed.signers, file: signersFile };
      return { config, state: { kind: 'set', source: '/p', policy: { ...parsed, signers } } as const };
    }

    it.each(['/etc/nixfleet-agent/signers', 'current'])(
      'is judged by the list of the generation, although it has the same path (%s)',
      (at) => {
        const file = at === 'current' ? join(root, 'current', LIST) : at;
        const { config, state } = host(KEYS[0], file);
        const judge = (name: string, list: string | null) =>
          judgeGeneration(config, state, 'g', system(name, list, file));
        expect(judge('same', KEYS[0])).toBeNull();
        expect(judge('more', KEYS.join('\n'))?.reason).toBe('looser-policy');
        expect(judge('dropped', null)?.reason).toBe('policy-unreadable');
        expect(unusablePolicy(config, system('first', KEYS[1], file))).toBeNull();
        expect(unusablePolicy(config, system('gone', null, file))).toContain("can't be read (ENOENT)");
        expect(unusablePolicy(config, system('broken', 'alice', file))).toContain('line 1');
      },
    );

    it('that an activation makes, nobody goes back: what it would hold is not known', () => {
      const file = join(root, 'list');
      const { config, state } = host(null, file);
      symlinkSync(made(join('store', 'list'), 'list', KEYS[0]), join(root, 'link'));
      symlinkSync(join(root, 'link', 'list'), file);
      const target = system('then', null, file);
      expect(judgeGeneration(config, state, 'generation 3', target)).toEqual({
        reason: 'looser-policy',
        text: `the policy of generation 3 can't be read (${file}), and it may accept more than this one`,
      });
      // A switch has been judged by its commit.
      expect(unusablePolicy(config, target)).toBeNull();
    });

    it('that root maintains beside the system counts as it is', () => {
      const file = join(root, 'list');
      writeFileSync(file, KEYS[0]);
      const { config, state } = host(null, file);
      expect(judgeGeneration(config, state, 'generation 3', system('then', null, file))).toBeNull();
    });
  });

  it('of NixOS with a policy of Home Manager is refused: which one the system would link is not known', () => {
    const file = join(root, 'policy.json');
    const running = made(join('store', 'running'), SYSTEM, null);
    symlinkSync(running, join(root, 'current'));
    const config = {
      hostType: 'nixos',
      policyFile: file,
      systemLink: join(root, 'current'),
      home: root,
      stateDir: join(root, 'state'),
      repoDir: join(root, 'repo'),
    } as const;
    symlinkSync(join(made(join('store', 'home'), 'policy.json', '{}'), 'policy.json'), file);
    const target = made(join('store', 'then'), SYSTEM, null);
    expect(judgeGeneration(config, now, 'generation 3', target)).toMatchObject({ reason: 'looser-policy' });
    rmSync(file);
    writeFileSync(file, '{}');
    expect(judgeGeneration(config, now, 'generation 3', target)).toBeNull();
  });

  it('is judged where the generation brings a policy in place of a file that was written by hand', () => {
    const config = {
      hostType: 'nixos',
      policyFile: '/etc/nixfleet-agent/policy.json',
      systemLink: made('running', SYSTEM, null),
      home: '/home/u',
      stateDir: join(root, 'state'),
      repoDir: join(root, 'repo'),
    } as const;
    expect(judgeGeneration(config, now, 'generation 3', made('target', SYSTEM, '{}'))?.reason).toBe('looser-policy');
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
