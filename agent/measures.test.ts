import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { httpAddress } from './token';
import { FIRST_DELAY_MS, MAX_DELAY_MS, reconnectDelayMs } from './connection';
import { createLockHash, describeLockAge } from './lock';
import { createAgentLog } from './log';
import { createMetricsReader, parseSwapUsage, parseVmStat } from './metrics';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nixfleet-measures-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('metrics', () => {
  it('measures CPU between two calls, memory from what is available, and swap', async () => {
    const metrics = createMetricsReader({ platform: 'linux', procDir: folder, stasysmoDir: join(folder, 'none') });
    writeFileSync(
      join(folder, 'meminfo'),
      'MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 750 kB\nSwapTotal: 200 kB\nSwapFree: 150 kB\n',
    );
    writeFileSync(join(folder, 'stat'), 'cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1 1\n');
    expect(await metrics()).toMatchObject({ cpu: null, ram: 25, swap: 25 });
    writeFileSync(join(folder, 'stat'), 'cpu  130 0 110 740 120 0 0 0 0 0\n');
    expect((await metrics()).cpu).toBe(40);
    writeFileSync(
      join(folder, 'meminfo'),
      'MemTotal: 1000 kB\nMemAvailable: 750 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n',
    );
    expect((await metrics()).swap).toBe(0);
  });

  it("prefers StaSysMo's figures, one by one", async () => {
    const stasysmoDir = join(folder, 'stasysmo');
    mkdirSync(stasysmoDir);
    writeFileSync(join(stasysmoDir, 'cpu'), '12.5\n');
    writeFileSync(join(stasysmoDir, 'load'), '0,75');
    writeFileSync(join(stasysmoDir, 'swap'), 'broken');
    writeFileSync(
      join(folder, 'meminfo'),
      'MemTotal: 1000 kB\nMemAvailable: 500 kB\nSwapTotal: 100 kB\nSwapFree: 90 kB\n',
    );
    const metrics = createMetricsReader({ platform: 'linux', procDir: folder, stasysmoDir });
    expect(await metrics()).toEqual({ cpu: 12.5, ram: 50, swap: 10, load: 0.75 });
  });

  it('parses the output of the macOS tools', () => {
    const vmStat = `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                                1000.
Pages active:                            300000.
Pages inactive:                            2000.
Pages speculative:                          500.
Pages purgeable:                            500.
`;
    expect(parseVmStat(vmStat, 16384 * 16000)).toBe(75);
    expect(parseVmStat('nothing', 1)).toBeNull();
    expect(parseSwapUsage('total = 2048.00M  used = 512.00M  free = 1536.00M  (encrypted)')).toBe(25);
    expect(parseSwapUsage('')).toBeNull();
  });
});

describe('flake.lock', () => {
  it('without git is hashed as it is, and again only when it has changed', async () => {
    const noRepository = { dir: folder, headKey: () => null, committedLock: () => Promise.resolve(null) };
    const hash = createLockHash(noRepository, 'flake.lock');
    expect(await hash()).toBe('');
    writeFileSync(join(folder, 'flake.lock'), 'one');
    const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(await hash()).toBe(sha('one'));
    writeFileSync(join(folder, 'flake.lock'), 'two');
    utimesSync(join(folder, 'flake.lock'), new Date(), new Date('2030-01-01'));
    expect(await hash()).toBe(sha('two'));
    rmSync(join(folder, 'flake.lock'));
    expect(await hash()).toBe('');
  });

  it('is described by its age', () => {
    const now = new Date('2026-01-22T12:00:00Z');
    const at = (time: string) => {
      const { status, message } = describeLockAge(time, now);
      return `${status}: ${message}`;
    };
    expect(at('2026-01-22T13:00:00+02:00')).toBe('ok: Updated today');
    expect(at('2026-01-23T12:00:00Z')).toBe('ok: Updated today');
    expect(at('2026-01-21T11:00:00Z')).toBe('ok: Updated 1 day ago');
    expect(at('2026-01-01T11:00:00Z')).toBe('outdated: Updated 21 days ago');
    expect(at('')).toBe('unknown: flake.lock not found');
  });
});

describe('small rules', () => {
  it('backs off from 1 s to 60 s, each time with a factor between 0.5 and 1', () => {
    for (let attempt = 0; attempt < 40; attempt++) {
      const full = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
      expect(reconnectDelayMs(attempt, () => 0)).toBe(full / 2);
      expect(reconnectDelayMs(attempt, () => 0.999_999_999)).toBe(full);
    }
  });

  it('derives the health address from the socket address', () => {
    expect(httpAddress('ws://h:8000/ws', '/health')).toBe('http://h:8000/health');
    expect(httpAddress('wss://h/fleet/ws?x=1', '/health')).toBe('https://h/fleet/health');
    expect(httpAddress('wss://h/ws/agent', '/health')).toBe('https://h/health');
  });

  it('logs one line per message, from its level up, without secrets or control characters', () => {
    const written: string[] = [];
    const log = createAgentLog(
      'warn',
      (text) => text.replaceAll('secret', '***'),
      (line) => written.push(line),
    );
    log.info('unseen');
    log.warn('a secret\nforged \u001b[31mline');
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/^\S+Z warn a \*\*\* forged line\n$/);
  });
});
