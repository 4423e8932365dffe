import { lutimesSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReports } from '../reports';
import { createGenerationsReader, generationNumbers, pathOfGeneration, revisionOf } from './generations';
import { systemGenerationsSchema, type SystemGenerationsReport } from '@/lib/protocol/agent/system-generations';

const MADE_AT_MS = 1_700_000_000_000;

let root: string;
let profile: string;
let links: { systemLink: string; systemProfile: string };
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nixfleet-generations-'));
  mkdirSync(join(root, 'profiles'));
  profile = join(root, 'profiles', 'system');
  links = { systemLink: join(root, 'current-system'), systemProfile: profile };
});
afterEach(() => rmSync(root, { recursive: true }));

function system(name: string, files: Record<string, string> = {}): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(path, file, '..'), { recursive: true });
    writeFileSync(join(path, file), content);
  }
  return path;
}

function generation(number: number, path: string): void {
  symlinkSync(path, `${profile}-${number}-link`);
  lutimesSync(`${profile}-${number}-link`, MADE_AT_MS / 1_000, MADE_AT_MS / 1_000);
}

function point(link: string, target: string): void {
  rmSync(link, { force: true });
  symlinkSync(target, link);
}

const NIXOS_VERSION = `#!/bin/sh
case "$1" in
  --json)
    cat <<EOF
{"configurationRevision":"3c9a808-dirty","nixosVersion":"26.05.1","nixpkgsRevision":"abc"}

EOF
esac
`;

describe('the list of generations', () => {
  it('has number, time, version, kernel and commit, and marks what runs, what booted and the boot default', () => {
    const first = system('first', { 'nixos-version': '25.11.1\n' });
    const second = system('second', {
      'nixos-version': '26.05.1',
      'sw/bin/nixos-version': NIXOS_VERSION,
      'kernel-modules/lib/modules/6.12.40/modules.order': '',
    });
    generation(7, first);
    generation(12, second);
    point(profile, 'system-12-link');
    point(links.systemLink, second);
    point(join(root, 'booted-system'), first);
    expect(createGenerationsReader(links)()).toEqual({
      total: 2,
      generations: [
        {
          number: 12,
          created_at: MADE_AT_MS,
          nixos_version: '26.05.1',
          kernel_version: '6.12.40',
          configuration_revision: '3c9a808-dirty',
          runs: true,
          next_boot: true,
          booted: false,
        },
        {
          number: 7,
          created_at: MADE_AT_MS,
          nixos_version: '25.11.1',
          kernel_version: '',
          configuration_revision: '',
          runs: false,
          next_boot: false,
          booted: true,
        },
      ],
    });
    expect([revisionOf(first), revisionOf(second)]).toEqual(['', '3c9a808-dirty']);
  });

  it('marks every generation of the system that runs, also when a specialisation of it does', () => {
    const only = system('only', { 'specialisation/quiet/nixos-version': '1' });
    for (const number of [1, 2]) generation(number, only);
    point(profile, 'system-2-link');
    point(links.systemLink, join(only, 'specialisation', 'quiet'));
    const { generations } = createGenerationsReader(links)();
    expect(generations.map(({ runs, next_boot: nextBoot }) => [runs, nextBoot])).toEqual([
      [true, true],
      [true, false],
    ]);
  });

  it('holds the newest 64, by number, and the boot default', () => {
    const only = system('only');
    for (let number = 1; number <= 100; number += 1) generation(number, only);
    point(profile, 'system-3-link');
    const { total, generations } = createGenerationsReader(links)();
    expect(total).toBe(100);
    expect(generations.map(({ number }) => number)).toEqual([...Array.from({ length: 63 }, (_, at) => 100 - at), 3]);
    expect(systemGenerationsSchema.safeParse({ total, generations }).success).toBe(true);
  });

  it('leaves out links of other profiles, other names, and generations whose system is missing', () => {
    const only = system('only');
    generation(4, only);
    generation(5, join(root, 'missing'));
    for (const name of [
      'other-6-link',
      'system-06-link',
      'system-x-link',
      'system-7-link.tmp',
      'system-1234567890-link',
    ])
      symlinkSync(only, join(root, 'profiles', name));
    expect(generationNumbers(profile).sort()).toEqual([4, 5]);
    expect(createGenerationsReader(links)().generations.map(({ number }) => number)).toEqual([4]);
    expect([pathOfGeneration(links, 4), pathOfGeneration(links, 5), pathOfGeneration(links, 6)]).toEqual([
      only,
      null,
      null,
    ]);
  });

  it('has texts of bounded length, whatever the files hold', () => {
    generation(1, system('only', { 'nixos-version': `26.05\u001b[31m${'x'.repeat(100_000)}` }));
    const [only] = createGenerationsReader(links)().generations;
    expect(only?.nixos_version).toHaveLength(64);
    expect(only?.nixos_version).toMatch(/^26\.05x+$/);
  });

  it('is empty where the profile can’t be read', () => {
    rmSync(join(root, 'profiles'), { recursive: true });
    expect(createGenerationsReader(links)()).toEqual({ generations: [], total: 0 });
  });

  it('reads a system once, and again after its generation was gone', () => {
    const only = system('only', { 'nixos-version': '1' });
    generation(1, only);
    const read = createGenerationsReader(links);
    const version = () => read().generations.map(({ nixos_version: text }) => text);
    expect(version()).toEqual(['1']);
    writeFileSync(join(only, 'nixos-version'), '2');
    expect(version()).toEqual(['1']);
    rmSync(`${profile}-1-link`);
    expect(version()).toEqual([]);
    generation(1, only);
    expect(version()).toEqual(['2']);
  });
});

describe('reports of generations', () => {
  it('are sent at each connection and when they change, and never twice alike', () => {
    let list: SystemGenerationsReport | null = { generations: [], total: 0 };
    const sent: SystemGenerationsReport[] = [];
    const reports = createReports(
      () => list,
      (report) => sent.push(report),
    );
    reports.connected();
    reports.check();
    expect(sent).toEqual([{ generations: [], total: 0 }]);
    list = { generations: [], total: 1 };
    reports.check();
    reports.check();
    expect(sent).toHaveLength(2);
    reports.connected();
    expect(sent).toHaveLength(3);
    list = null;
    reports.connected();
    expect(sent).toHaveLength(3);
  });
});
