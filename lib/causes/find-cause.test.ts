import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCauseFinder, findCause, MAX_CAUSE } from './find-cause';

const FOLDER = join(import.meta.dirname, 'fixtures');

/** What programs print when they fail. Those of git and Nix were recorded; the others follow their sources. */
const CAUSES: Record<string, string> = {
  'build-python': "ModuleNotFoundError: No module named 'yaml'",
  'build-typescript': "src/app.ts(12,5): error TS2304: Cannot find name 'colour'.",
  'git-disk-full': 'error: copy-fd: write returned: No space left on device',
  'git-dubious-ownership': "fatal: detected dubious ownership in repository at '/var/lib/nixfleet-agent/repo'",
  'git-empty-object': 'error: object file .git/objects/fd/5f8de7b8bd62f6750a9038e0bfc1bcf0f4832f is empty',
  'git-host-unknown': 'ssh: Could not resolve hostname git.invalid: Name or service not known',
  'git-index-lock': "fatal: Unable to create '/var/lib/nixfleet-agent/repo/.git/index.lock': File exists.",
  'git-local-changes': 'error: Your local changes to the following files would be overwritten by merge: flake.lock',
  'git-not-a-repository': "fatal: '/nonexistent/repo.git' does not appear to be a git repository",
  'git-permission-denied': 'git@git.example.com: Permission denied (publickey).',
  'git-push-disk-full': 'remote: fatal: unable to write loose object file: No space left on device',
  'git-ref-lock':
    "error: cannot lock ref 'refs/remotes/origin/main': Unable to create '/var/lib/nixfleet-agent/repo/.git/refs/remotes/origin/main.lock': File exists.",
  'git-unpack-failed': 'error: insufficient permission for adding an object to repository database .git/objects',
  'home-manager-clobber': "Existing file '/Users/alice/.zshrc' would be clobbered",
  'nix-builder-disk-full':
    'firefox-140 failed to build (exit code 1): cp: error writing obj/x.o: No space left on device',
  'nix-builder-failed':
    "hello-2.12 failed to build (exit code 2): main.c:2:10: error: 'undeclared' undeclared (first use in this function)",
  'nix-builder-killed':
    'chromium-130.0 failed to build (signal 9 (Killed), often because memory ran out): linking libchrome.so',
  'nix-cache-unreachable':
    "error: unable to download 'https://github.com/NixOS/nixpkgs/archive/50ab793786d9de88ee30ec4e4c24fb4236fc2674.tar.gz': Could not resolve hostname (6) Could not resolve host: github.com",
  'nix-cannot-build':
    'ripgrep-15.0.0 failed to build (exit code 101): error[E0425]: cannot find value `limit` in this scope',
  'nix-failed-assertions':
    'error: Failed assertions: - The option services.nginx.enable requires networking.firewall.enable - You must set the option \'fileSystems."/".device\'.',
  'nix-hash-mismatch':
    'error: hash mismatch in fixed-output derivation source.tar.gz: specified sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=, got sha256-fk+i64x6wIlznV3vxEifrWihANkggso1xrQKRSSCH4c=',
  'nix-infinite-recursion': 'error: infinite recursion encountered (at hosts/h1/configuration.nix:25:28)',
  'nix-missing-attribute': "error: attribute 'z' missing (at hosts/h1/configuration.nix:19:40)",
  'nix-no-attribute':
    "error: flake 'git+file:///var/lib/nixfleet-agent/repo' does not provide attribute 'packages.x86_64-linux.nixosConfigurations.nope.config.system.build.toplevel', 'legacyPackages.x86_64-linux.nixosConfigurations.nope.config.system.build.toplevel' or 'nixosConfigurations.nope.config.system.build.toplevel'",
  'nix-option-missing': "error: The option `services.ngnix' does not exist. Definition values: - In `hosts/h1/web.nix'",
  'nix-private-input':
    "error: Failed to fetch git repository 'ssh://git@git.example.com/secrets.git' : git fetch exited with status 128: git@git.example.com: Permission denied (publickey).",
  'nix-store-read-only': "error: opening lock file '/nix/var/nix/db/big-lock': Permission denied",
  'nix-trace-before-error': "error: attribute 'z' missing (at hosts/h1/configuration.nix:19:40)",
  'sudo-password': 'sudo: a password is required',
  'switch-inhibited': "Pre-switch check 'switchInhibitors' failed: dbus-implementation : dbus -> broker",
  'switch-no-boot-space': "cp: error writing '/boot/kernels/3lh0-linux-6.12.58-bzImage.tmp': No space left on device",
  'switch-unit-failed': 'unit example.service failed (exit-code)',
  'switch-units-failed-ng': 'units postgresql.service and db-import.service (oom-kill) failed',
};

const read = (name: string) => readFileSync(join(FOLDER, `${name}.log`), 'utf8');

describe('findCause', () => {
  it.each(Object.entries(CAUSES))('%s', (name, text) => {
    expect(findCause(read(name))).toMatchObject({ text, isKnown: true });
  });

  it('has an expectation for every recorded output', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(CAUSES).map((name) => `${name}.log`));
  });

  it('names the units that failed', () => {
    expect(findCause(read('switch-units-failed-ng'))?.units).toEqual(['postgresql.service', 'db-import.service']);
  });

  it.each(Object.keys(CAUSES))('finds the cause in a long build: %s', (name) => {
    const finder = createCauseFinder();
    for (let line = 0; line < 10_000; line += 1) finder.add(`[${line}/10000] CC drivers/net/ethernet/file-${line}.o`);
    for (const line of read(name).split('\n')) finder.add(line);
    for (let line = 0; line < 10_000; line += 1) finder.add(`copying path ${line}`);
    expect(finder.cause()?.text).toBe(CAUSES[name]);
  });

  it('is null without output', () => {
    expect(findCause('')).toBeNull();
    expect(findCause('\n  \n')).toBeNull();
  });

  it('falls back to the last line that is not advice', () => {
    expect(findCause('starting\nthe frobnicator is not ready\nhint: try again\n\n')).toEqual({
      text: 'the frobnicator is not ready',
      units: [],
      isKnown: false,
    });
    expect(findCause('hint: try again')?.text).toBe('hint: try again');
  });

  it('takes an error that follows from others only when there is no other', () => {
    const follows = "error: 1 dependencies of derivation '/nix/store/x.drv' failed to build";
    expect(findCause(follows)).toMatchObject({ text: follows, isKnown: true });
    expect(findCause(`${follows}\nerror: out of inodes`)?.text).toBe('error: out of inodes');
  });

  it('quotes the line before an unreadable remote, whatever it is', () => {
    const unreadable = 'fatal: Could not read from remote repository.';
    expect(findCause(`Connection closed by 192.0.2.1 port 22\n${unreadable}`)?.text).toBe(
      'Connection closed by 192.0.2.1 port 22',
    );
    expect(findCause(unreadable)?.text).toBe(unreadable);
  });

  it('is one line of plain text of bounded length', () => {
    const long = findCause(`error: ${'\u001b[31mx\u001b[0m '.repeat(5_000)}`);
    expect(long?.text.length).toBeLessThanOrEqual(MAX_CAUSE);
    expect(long?.text).toMatch(/^error: x x x/);
  });

  // What is not linear takes minutes for these, and the runner ends the test.
  it.each([
    ['indented lines behind an error', ['error: x:', ...Array<string>(100_000).fill('  a: b:')]],
    ['nested errors', ['error:', ...Array<string>(100_000).fill('  error: x:')]],
    ['errors', Array<string>(100_000).fill('error: x')],
    ['builders in logs of builders', Array<string>(100_000).fill(`       ${'> '.repeat(50)}error: x`)],
    ['lines of 64 KiB', ['error: x', ...Array<string>(1_000).fill(`  at ${'a:'.repeat(32_000)}`)]],
    ['units', Array<string>(1_000).fill(`warning: the following units failed: ${'a.service, '.repeat(6_000)}`)],
  ])('reads a flood of %s', (_name, lines) => {
    expect(findCause(lines)).not.toBeNull();
  });
});
