/** What a caller with bad intentions gets out of nixfleet-root: a refusal, and nothing is done. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants } from 'node:os';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createNixos, hasNix, type TestNixos } from './testing/nixos';

/** Each command with arguments that it accepts. PATH stands for a system's path. */
const COMMANDS: readonly (readonly string[])[] = [
  ['version'],
  ['status', 'a'],
  ['activate', 'a', 'test', 'PATH'],
  ['go', 'a', '2'],
  ['delete', 'a', '2,3'],
  ['collect-garbage', 'a', '14', '2'],
  ['plan-garbage', '14', '2'],
  ['optimise', 'a'],
  ['stop', 'a'],
  ['forget', 'a'],
  ['arm', 'a', '600', 'PATH'],
  ['disarm', 'a'],
  ['dry-activate', 'PATH'],
  ['keep', '2'],
  ['release', '2'],
  ['boot-once', '2'],
  ['reboot'],
  ['in-unit', 'a'],
  ['back', 'a'],
];

/** Values that no argument may have. CANARY is a file that no test may find. */
const VALUES: readonly string[] = [
  '',
  ' ',
  '-',
  '--',
  '-x',
  '--help',
  '--version',
  '-a',
  '.',
  '..',
  '../a',
  'a/../../etc',
  '/',
  '/etc',
  '~',
  '*',
  '?',
  'a b',
  'a;touch CANARY',
  ';touch CANARY',
  '$(touch CANARY)',
  '`touch CANARY`',
  'a[$(touch CANARY)]',
  'x[$(touch CANARY)0]',
  '${x:=y}',
  '$IFS',
  'a\nb',
  'a\n',
  '\na',
  'a\r',
  'a\tb',
  "a'b",
  'a"b',
  'a\\b',
  'a|b',
  'a&b',
  'a>CANARY',
  'a%n',
  'a@b',
  'é',
  '\u202ea',
  '１',
  '😀',
  '\u007f',
  'x'.repeat(101),
  'x'.repeat(100_000),
];
/** Values that no number may have. Some of them are good IDs. */
const NUMBERS: readonly string[] = [
  '00',
  '01',
  '0x10',
  '+1',
  '-1',
  '1.5',
  '1e9',
  '99999999999999999999',
  '9223372036854775808',
  '1'.repeat(100_000),
];

it('nixfleet-root has fewer than 350 lines: short enough to review before it runs as root', () => {
  const lines = readFileSync(join(import.meta.dirname, 'nixfleet-root'), 'utf8')
    .trimEnd()
    .split('\n');
  expect(lines.length).toBeLessThan(350);
  expect(lines.filter((line) => line.length > 140)).toEqual([]);
});

describe.skipIf(!hasNix)('the grammar of nixfleet-root (skipped without Nix)', () => {
  let nixos: TestNixos;
  let canary: string;
  beforeAll(() => {
    nixos = createNixos(3);
    canary = nixos.path('canary');
  });
  afterAll(() => nixos.remove());
  const filled = (args: readonly string[]) =>
    args.map((arg) => (arg === 'PATH' ? nixos.system(1) : arg.replaceAll('CANARY', canary)));
  /** Nothing was started, written or changed. */
  function expectNothing(what: string): void {
    expect(nixos.calls(), what).toEqual([]);
    expect(existsSync(canary), what).toBe(false);
    expect(existsSync(nixos.stateDir), what).toBe(false);
    expect(nixos.roots(), what).toEqual([]);
  }
  function expectRefused(args: readonly string[]): void {
    const end = nixos.run(filled(args));
    const what = JSON.stringify(args).slice(0, 200);
    expect(end.code, what).toBe(64);
    expect(end.stdout, what).toBe('');
    // One sentence, which does not repeat what was given.
    expect(end.stderr, what).toMatch(/^nixfleet-root: [\x20-\x7e]{1,100}\.\n$/);
  }

  it.each(COMMANDS.map((args) => [args.join(' '), args] as const))(
    '%s: refuses any other number of arguments',
    (_, args) => {
      expectRefused([...args, 'a']);
      expectRefused([...args, '']);
      expectRefused([...args, '--help']);
      for (let count = 1; count < args.length; count++) expectRefused(args.slice(0, count));
      expectNothing(args.join(' '));
    },
  );

  it.each(COMMANDS.filter((args) => args.length > 1).map((args) => [args.join(' '), args] as const))(
    '%s: refuses every hostile value of each argument',
    (_, args) => {
      for (let at = 1; at < args.length; at++)
        for (const value of args[at] === 'a' ? VALUES : [...VALUES, ...NUMBERS])
          expectRefused(args.map((arg, index) => (index === at ? value : arg)));
      expectNothing(args.join(' '));
    },
  );

  it('refuses unknown commands, options and nothing at all', () => {
    expectRefused([]);
    for (const command of [
      ...VALUES,
      'Version',
      'versio',
      'version ',
      'activate a test PATH',
      'grammar',
      '@',
      'main',
      'fail',
    ])
      expectRefused([command]);
    for (const option of ['--help', '-h', '--version', '-c', '--', '--rcfile', '--init-file'])
      expectRefused([option, 'version']);
    expectNothing('commands');
  });

  it('the kernel refuses an argument of one megabyte', () => {
    const { error } = spawnSync(nixos.helper, ['status', 'x'.repeat(1_000_000)]);
    expect(error).toMatchObject({ errno: -constants.errno.E2BIG });
  });

  it('refuses every sequence of other arguments (property)', () => {
    const word = fc.oneof(
      fc.constantFrom(...new Set(COMMANDS.flat())),
      fc.constantFrom(...VALUES.filter((value) => value.length < 1_000)),
      fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', '0')),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (args) => {
        fc.pre(!['version', 'reboot'].includes(args[0] ?? '') || args.length > 1);
        fc.pre(!COMMANDS.some((known) => known[0] === args[0] && known.length === args.length));
        expectRefused(args);
      }),
      { numRuns: 300 },
    );
    expectNothing('property');
  });

  it('says of each thing that is no system why, and starts nothing', () => {
    const link = nixos.path('store', `${'0'.repeat(32)}-nixos-system-link`);
    symlinkSync(nixos.system(1), link);
    const invalid = nixos.path('store', `${'1'.repeat(32)}-nixos-system-invalid`);
    mkdirSync(join(invalid, 'bin'), { recursive: true });
    writeFileSync(join(invalid, 'bin', 'switch-to-configuration'), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
    writeFileSync(join(invalid, 'nixos-version'), 'x');
    const without = nixos.build('nixos-system-without', 'mkdir $out; echo x > $out/nixos-version');
    const elsewhere = nixos.path('elsewhere.sh');
    writeFileSync(elsewhere, `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
    const outside = nixos.build(
      'nixos-system-outside',
      `mkdir -p $out/bin; echo x > $out/nixos-version; ln -s ${elsewhere} $out/bin/switch-to-configuration`,
    );
    const file = nixos.build('nixos-system-file', 'echo x > $out');
    const other = nixos.build('hello-1.0', `cp -r ${nixos.system(1)} $out`);
    nixos.forgetCalls();
    const cases: readonly (readonly [string, number])[] = [
      [link, 65],
      [invalid, 65],
      [without, 65],
      [outside, 65],
      [file, 65],
      [nixos.path('store', `${'2'.repeat(32)}-nixos-system-missing`), 65],
      [other, 64],
      [`${nixos.system(1)}/`, 64],
      [`${nixos.system(1)}/sw`, 64],
      [`${nixos.system(1)}/../${nixos.system(2).split('/').at(-1) ?? ''}`, 64],
      [`${nixos.path('store')}/../store/${nixos.system(1).split('/').at(-1) ?? ''}`, 64],
      [nixos.system(1).slice(1), 64],
      [`/${nixos.system(1)}`, 64],
      [nixos.path('current-system'), 64],
      [nixos.profile, 64],
      [`${nixos.profile}-1-link`, 64],
      [`/tmp/${'0'.repeat(32)}-nixos-system-x`, 64],
      [`${nixos.path('store')}/${'e'.repeat(32)}-nixos-system-x`, 64],
    ];
    for (const [path, code] of cases)
      for (const args of [
        ['activate', 'a', 'switch', path],
        ['dry-activate', path],
        ['arm', 'a', '600', path],
      ])
        expect(nixos.run(args), args.join(' ')).toMatchObject({ code, stdout: '' });
    expectNothing('paths');
    // A generation that leads elsewhere.
    symlinkSync(without, `${nixos.profile}-8-link`);
    symlinkSync('/etc', `${nixos.profile}-9-link`);
    for (const generation of ['8', '9'])
      for (const args of [
        ['go', 'a', generation],
        ['keep', generation],
        ['boot-once', generation],
      ])
        expect(nixos.run(args), args.join(' ')).toMatchObject({ code: 65, stdout: '' });
    expectNothing('generations');
  });

  it('runs the parts of its units in its units only', () => {
    for (const command of ['in-unit', 'back']) expect(nixos.run([command, 'a']).code, command).toBe(66);
    expectNothing('units');
  });
});

describe.skipIf(!hasNix)('what surrounds nixfleet-root (skipped without Nix)', () => {
  let nixos: TestNixos;
  let canary: string;
  beforeEach(() => {
    nixos = createNixos(3);
    canary = nixos.path('canary');
  });
  afterEach(() => nixos.remove());

  it('the environment of the caller reaches neither it nor what it runs', () => {
    const script = nixos.path('evil.sh');
    writeFileSync(script, `touch ${canary}\n`, { mode: 0o755 });
    const bin = nixos.path('evil');
    mkdirSync(bin);
    for (const name of ['nix-store', 'systemctl', 'readlink', 'cat', 'env', 'timeout', 'bash', 'stat'])
      writeFileSync(join(bin, name), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
    const evil = `() { touch ${canary}; }`;
    const env: Record<string, string> = {
      PATH: bin,
      BASH_ENV: script,
      ENV: script,
      PROMPT_COMMAND: `touch ${canary}`,
      PS4: `$(touch ${canary})`,
      SHELLOPTS: 'xtrace:braceexpand',
      BASHOPTS: 'extdebug',
      BASH_XTRACEFD: '1',
      IFS: '/-',
      CDPATH: '/tmp',
      GLOBIGNORE: '*',
      POSIXLY_CORRECT: '1',
      TMPDIR: nixos.path('missing'),
      LD_LIBRARY_PATH: bin,
      NIX_STORE_DIR: '/tmp',
      NIX_CONF_DIR: bin,
      NIX_REMOTE: 'daemon',
      NIXOS_NO_CHECK: '1',
      NIXOS_INSTALL_BOOTLOADER: '1',
      HOME: bin,
      fail: 'x',
      state: '/tmp/evil',
      grammar: 'x',
    };
    for (const name of ['fail', 'matches', 'readlink', 'nix-store', 'systemctl', 'cd', 'exec', 'printf', 'env'])
      env[`BASH_FUNC_${name}%%`] = evil;
    const end = nixos.run(['dry-activate', nixos.system(2)], { env });
    expect(end).toMatchObject({ code: 0, stdout: '', stderr: 'would restart the following units: a.service\n' });
    expect(existsSync(canary)).toBe(false);
    // The shell of the stand-in adds PWD, SHLVL and _.
    expect(nixos.calls().at(-1)).toBe(`dry-activate ${nixos.system(2)} LC_ALL PATH PWD SHLVL _ `);
    expect(nixos.run(['status', 'a;b'], { env })).toMatchObject({ code: 64, stdout: '' });
    expect(nixos.run(['keep', '2'], { env }).code).toBe(0);
    expect(existsSync(canary)).toBe(false);
  });

  it('a library of the caller gets no further than its first process', () => {
    const end = nixos.run(['dry-activate', nixos.system(2)], { env: { LD_PRELOAD: nixos.path('missing.so') } });
    expect(end.code).toBe(0);
    expect(end.stderr.match(/cannot be preloaded/g)).toHaveLength(1);
  });

  it('works without a folder, and with closed descriptors', async () => {
    const gone = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"';
    expect(nixos.run(['keep', '2'], { through: gone })).toMatchObject({ code: 0, values: { kept: 'yes' } });
    const started = nixos.run(['activate', 'a', 'test', nixos.system(2)], { through: 'exec "$@" <&- >&- 2>&-' });
    expect(started).toMatchObject({ code: 0, stdout: '', stderr: '' });
    await expect.poll(() => nixos.ok('status', 'a')['job']).toBe('ended');
    // Nothing that it prints went into a file that got the number of a closed descriptor.
    expect(readdirSync(join(nixos.stateDir, 'a')).sort()).toEqual(['began', 'output', 'request', 'result']);
    expect(readFileSync(join(nixos.stateDir, 'a', 'request'), 'utf8')).toMatch(
      /^kind=activate\naction=test\nboot_id=\S+\ntarget=\S+\n$/,
    );
    expect(nixos.run(['nonsense'], { through: 'exec "$@" 2>&-' })).toMatchObject({ code: 64, stdout: '', stderr: '' });
  });

  it('a closed output pipe ends neither the unit nor its output', async () => {
    nixos.run(['activate', 'a', 'test', nixos.system(2)], { through: '"$@" 2>&1 | true' });
    await expect.poll(() => nixos.ok('status', 'a')['job']).toBe('ended');
    expect(nixos.running()).toBe(nixos.system(2));
  });

  const WITH_ID = COMMANDS.filter((args) => args[1] === 'a').map((args) => [args[0] ?? '', args] as const);
  const given = (args: readonly string[]) => args.map((arg) => (arg === 'PATH' ? nixos.system(1) : arg));

  it.each(WITH_ID)('%s: follows no link in the state folder', (_, args) => {
    const target = nixos.path('victim');
    mkdirSync(target);
    writeFileSync(join(target, 'request'), 'kind=activate\naction=switch\n');
    mkdirSync(nixos.stateDir, { mode: 0o750 });
    symlinkSync(target, join(nixos.stateDir, 'a'));
    expect(nixos.run(given(args)).code).toBe(77);
    expect(readdirSync(target)).toEqual(['request']);
    expect(nixos.calls().filter((call) => call.startsWith('systemd-run'))).toEqual([]);
  });

  it.each(WITH_ID)('%s: refuses a state folder that others may write to, or that is a link', (_, args) => {
    mkdirSync(join(nixos.stateDir, 'a'), { recursive: true });
    chmodSync(join(nixos.stateDir, 'a'), 0o770);
    chmodSync(nixos.stateDir, 0o750);
    expect(nixos.run(given(args)).code).toBe(77);
    chmodSync(join(nixos.stateDir, 'a'), 0o750);
    chmodSync(nixos.stateDir, 0o770);
    expect(nixos.run(given(args)).code).toBe(77);
    expect(readdirSync(join(nixos.stateDir, 'a'))).toEqual([]);
    expect(nixos.calls()).toEqual([]);
  });

  it('a link as the state folder itself', () => {
    const target = nixos.path('victim');
    mkdirSync(target);
    symlinkSync(target, nixos.stateDir);
    expect(nixos.run(['activate', 'a', 'test', nixos.system(2)]).code).toBe(77);
    expect(readdirSync(target)).toEqual([]);
  });

  it('in-unit and back, called by hand for an operation that exists', async () => {
    await nixos.job('activate', 'a', 'test', nixos.system(2));
    nixos.ok('arm', 'a', '600', nixos.system(2));
    writeFileSync(nixos.path('cgroup'), '0::/user.slice/nixfleet-back-b.1.service\n');
    nixos.forgetCalls();
    for (const command of ['in-unit', 'back'])
      expect(nixos.run([command, 'a']), command).toMatchObject({
        code: 64,
        stderr: 'nixfleet-root: Unknown command.\n',
      });
    expect(nixos.calls()).toEqual([]);
    expect(nixos.ok('status', 'a')['timer']).toBe('armed');
  });

  it('somebody who is not root gets nothing', () => {
    const other = createNixos(1, { owner: '54321' });
    try {
      for (const args of COMMANDS) expect(other.run(given(args)).code, args[0]).toBe(77);
      expect(other.calls()).toEqual([]);
    } finally {
      other.remove();
    }
  });
});
