import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFlakeLock } from './flake-lock';
import { diffFlakeLocks } from './flake-lock-diff';
import { MAX_INPUT_CHANGES } from '@/lib/protocol/live/flake-update-constants';

const REV_A = 'a'.repeat(40);
const REV_B = 'b'.repeat(40);
const DAY_S = 86_400;

type Json = Record<string, unknown>;

const github = (owner: string, repo: string, rev: string, lastModified = 1_760_000_000): Json => ({
  locked: { type: 'github', owner, repo, rev, lastModified, narHash: `sha256-${rev}` },
  original: { type: 'github', owner, repo, ref: 'nixos-unstable' },
});

const lock = (nodes: Json, inputs: Json, version = 7): string =>
  JSON.stringify({ nodes: { ...nodes, root: { inputs } }, root: 'root', version });

const nixpkgs = (rev: string, at?: number) => github('NixOS', 'nixpkgs', rev, at);
const simple = (rev: string, at?: number) => lock({ nixpkgs: nixpkgs(rev, at) }, { nixpkgs: 'nixpkgs' });

/** home-manager with a nixpkgs of its own, or one that follows ours. */
const nested = (rev: string, follows: boolean, own = REV_A) =>
  lock(
    {
      nixpkgs: nixpkgs(rev),
      nixpkgs_2: nixpkgs(own),
      'home-manager': {
        ...github('nix-community', 'home-manager', REV_A),
        inputs: { nixpkgs: follows ? ['nixpkgs'] : 'nixpkgs_2' },
      },
    },
    { nixpkgs: 'nixpkgs', 'home-manager': 'home-manager' },
  );

describe('the inputs that an update changes', () => {
  it('refuses a file with too many or too deep values before it parses them', () => {
    const nodes = Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`n${n}`, 0]));
    const many = { ok: false, problem: 'it has more than 2000 inputs' };
    expect(readFlakeLock(JSON.stringify({ version: 7, root: 'root', nodes }))).toEqual(many);
    expect(readFlakeLock(`{"version":7,"root":"root","nodes":{"a":[${'1,'.repeat(200_000)}1]}}`)).toEqual(many);
    expect(readFlakeLock('['.repeat(500_000))).toEqual({ ok: false, problem: 'it nests deeper than 16 levels' });
    expect(readFlakeLock('{"version":7,"root":"root"}')).toEqual({
      ok: false,
      problem: 'it is not a lock file (at nodes)',
    });
  });

  it('has the page that compares commits of a SHA-256 repository too', () => {
    const [from, to] = ['c'.repeat(64), 'd'.repeat(64)];
    expect(diffFlakeLocks(simple(from), simple(to)).inputs[0]?.compareUrl).toBe(
      `https://github.com/NixOS/nixpkgs/compare/${from}...${to}`,
    );
  });

  it('reports from, to, age, address and the page that compares them', () => {
    expect(diffFlakeLocks(simple(REV_A, 1_760_000_000), simple(REV_B, 1_760_000_000 + DAY_S))).toEqual({
      inputs: [
        {
          name: 'nixpkgs',
          kind: 'changed',
          from: {
            rev: REV_A,
            ref: 'nixos-unstable',
            lastModified: 1_760_000_000_000,
            url: 'https://github.com/NixOS/nixpkgs',
          },
          to: {
            rev: REV_B,
            ref: 'nixos-unstable',
            lastModified: (1_760_000_000 + DAY_S) * 1_000,
            url: 'https://github.com/NixOS/nixpkgs',
          },
          compareUrl: `https://github.com/NixOS/nixpkgs/compare/${REV_A}...${REV_B}`,
        },
      ],
      more: 0,
      problem: '',
    });
  });

  const names = (base: string | null, head: string | null) =>
    diffFlakeLocks(base, head).inputs.map(({ name, kind }) => `${kind} ${name}`);

  it.each<[string, string | null, string, string[]]>([
    ['nothing where nothing changed', simple(REV_A), simple(REV_A), []],
    ['an input that came', lock({}, {}), simple(REV_A), ['added nixpkgs']],
    ['an input that went', simple(REV_A), lock({}, {}), ['removed nixpkgs']],
    ['every input where there was no lock file', null, simple(REV_A), ['added nixpkgs']],
    [
      'an input that follows another is reported once, at the other',
      nested(REV_A, true),
      nested(REV_B, true),
      ['changed nixpkgs'],
    ],
    [
      'a separate lock of an input’s input',
      nested(REV_A, false),
      nested(REV_A, false, REV_B),
      ['changed home-manager/nixpkgs'],
    ],
    [
      'an input that follows from now on: what it is pinned to changes',
      nested(REV_A, false, REV_B),
      nested(REV_A, true, REV_B),
      ['changed home-manager/nixpkgs'],
    ],
    ['an input that follows from now on and stays what it was', nested(REV_A, false), nested(REV_A, true), []],
    [
      'another repository with the same commit',
      simple(REV_A),
      lock({ nixpkgs: github('someone', 'nixpkgs', REV_A) }, { nixpkgs: 'nixpkgs' }),
      ['changed nixpkgs'],
    ],
    [
      'our own inputs before those of inputs',
      nested(REV_A, false),
      nested(REV_B, false, REV_B),
      ['changed nixpkgs', 'changed home-manager/nixpkgs'],
    ],
  ])('reports %s', (_what, base, head, expected) => {
    expect(names(base, head)).toEqual(expected);
  });

  it('resolves a follows that leads through another follows', () => {
    const file = (rev: string) =>
      lock(
        {
          nixpkgs: nixpkgs(rev),
          a: { ...github('o', 'a', REV_A), inputs: { nixpkgs: ['nixpkgs'] } },
          b: { ...github('o', 'b', REV_A), inputs: { pkgs: ['a', 'nixpkgs'] } },
        },
        { nixpkgs: 'nixpkgs', a: 'a', b: 'b' },
      );
    const reading = readFlakeLock(file(REV_B));
    expect(reading.ok && reading.inputs.get('b/pkgs')?.rev).toBe(REV_B);
    expect(names(file(REV_A), file(REV_B))).toEqual(['changed nixpkgs']);
  });

  it.each<[string, Json, string]>([
    [
      'a tarball',
      { type: 'tarball', url: 'https://example.org/x.tar.gz', narHash: 'sha256-x' },
      'https://example.org/x.tar.gz',
    ],
    [
      'a git address without its credentials',
      { type: 'git', url: 'https://ada:s3cret@git.example.org/a/b.git?token=s3cret', rev: REV_A },
      'https://git.example.org/a/b.git',
    ],
    ['gitlab', { type: 'gitlab', owner: 'o', repo: 'r', rev: REV_A }, 'https://gitlab.com/o/r'],
    [
      'a self-hosted forge',
      { type: 'gitlab', host: 'git.example.org', owner: 'o', repo: 'r', rev: REV_A },
      'https://git.example.org/o/r',
    ],
    ['sourcehut', { type: 'sourcehut', owner: '~o', repo: 'r', rev: REV_A }, 'https://git.sr.ht/~o/r'],
    ['a path', { type: 'path', path: '/etc/nixos/local', narHash: 'sha256-x' }, '/etc/nixos/local'],
    ['no address for an owner that is a path', { type: 'github', owner: 'a/../..', repo: 'r', rev: REV_A }, ''],
    [
      'no address for a host that is none',
      { type: 'github', host: 'evil.example/@x', owner: 'o', repo: 'r', rev: REV_A },
      '',
    ],
    ['nothing for an unknown type', { type: 'of-tomorrow' }, ''],
  ])('knows the address of %s', (_what, locked, url) => {
    const reading = readFlakeLock(lock({ x: { locked } }, { x: 'x' }));
    expect(reading.ok && reading.inputs.get('x')?.url).toBe(url);
  });

  it('shows a limited number of changes and counts the rest', () => {
    const many = MAX_INPUT_CHANGES + 7;
    const nodes = Object.fromEntries(Array.from({ length: many }, (_, i) => [`n${i}`, nixpkgs(REV_A)]));
    const inputs = Object.fromEntries(Array.from({ length: many }, (_, i) => [`n${i}`, `n${i}`]));
    const diff = diffFlakeLocks(lock({}, {}), lock(nodes, inputs));
    expect(diff.inputs).toHaveLength(MAX_INPUT_CHANGES);
    expect(diff.more).toBe(7);
  });
});

describe('a lock file that can’t be read', () => {
  it.each<[string, string, RegExp]>([
    ['not JSON', '{', /not JSON/],
    ['not an object', '[]', /not a lock file/],
    ['nodes of a wrong type', '{"version":7,"root":"root","nodes":[1]}', /not a lock file \(at nodes/],
    ['an old version', lock({}, {}, 4), /version is 4/],
    ['no root', '{"version":7,"root":"gone","nodes":{}}', /has no root "gone"/],
    ['a name that leads nowhere', lock({}, { nixpkgs: 'gone' }), /"nixpkgs" does not exist/],
    ['a follows that leads nowhere', lock({}, { nixpkgs: ['a', 'b'] }), /does not exist/],
    ['a follows of itself', lock({}, { a: ['a'] }), /does not exist/],
    ['follows in a circle', lock({}, { a: ['b'], b: ['a'] }), /does not exist/],
    ['a prototype’s name', lock({}, { a: ['constructor'] }), /does not exist/],
    ['a number instead of a name', lock({ n: nixpkgs(REV_A) }, { a: 3 }), /not a lock file/],
    ['an invalid time', lock({ n: { locked: { lastModified: 1e300 } } }, { n: 'n' }), /not a lock file/],
  ])('%s', (_what, content, problem) => {
    const reading = readFlakeLock(content);
    expect(reading.ok).toBe(false);
    expect(reading.ok ? '' : reading.problem).toMatch(problem);
    expect(diffFlakeLocks(content, simple(REV_A)).problem).toMatch(/^The flake.lock of the branch can’t be compared: /);
    expect(diffFlakeLocks(simple(REV_A), content).problem).toMatch(/^The flake.lock of the pull request can’t/);
  });

  it('handles cyclic and shared nodes', () => {
    const layers = 40;
    const nodes = Object.fromEntries(
      Array.from({ length: layers }, (_, i) => [
        `n${i}`,
        { ...nixpkgs(REV_A), inputs: { left: `n${(i + 1) % layers}`, right: `n${(i + 2) % layers}` } },
      ]),
    );
    // Two ways at each of forty layers, and round again: more paths than could ever be counted.
    const reading = readFlakeLock(lock(nodes, { start: 'n0' }));
    expect(reading.ok && reading.inputs.size).toBe(layers * 2 + 1);
  });

  it('reports a pull request that removes the lock', () => {
    expect(diffFlakeLocks(simple(REV_A), null).problem).toMatch(/removes flake.lock/);
  });

  it('never throws, whatever it is given', () => {
    const node = fc.record(
      {
        inputs: fc.dictionary(
          fc.string(),
          fc.oneof(fc.string(), fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 })),
        ),
        locked: fc.anything(),
        original: fc.anything(),
      },
      { requiredKeys: [] },
    );
    const file = fc.record({
      version: fc.constantFrom(5, 6, 7),
      root: fc.constant('root'),
      nodes: fc.dictionary(fc.constantFrom('root', 'a', 'b', 'c'), node),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          file.map((value) => JSON.stringify(value)),
          fc.string(),
          fc.json(),
        ),
        (content) => {
          const diff = diffFlakeLocks(content, content);
          expect(diff.inputs).toEqual([]);
        },
      ),
    );
  });

  it('makes what it shows harmless', () => {
    const reading = readFlakeLock(
      lock(
        { 'x\u202ey': { locked: { type: 'git', url: 'https://e.org/\u0007', rev: 'r\u001b[31m' } } },
        { 'x\u202ey': 'x\u202ey' },
      ),
    );
    const [name, input] = reading.ok ? ([...reading.inputs][0] ?? []) : [];
    expect(name).toBe('x y');
    expect(input?.rev).toBe('r');
  });
});
