/** How long an armed timer still has, whatever is done to the clock. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readTimer } from './timer-files';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nixfleet-timer-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const arm = (values: Record<string, number>) =>
  writeFileSync(
    join(folder, 'armed'),
    Object.entries(values)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
const uptime = () => Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]));
const minutesLeft = () => Math.round((readTimer(folder).leftMs ?? NaN) / 60_000);

it('is counted by the uptime, although the clock was set in between', () => {
  const now = Math.floor(Date.now() / 1_000);
  for (const shift of [0, 7_500, -7_500]) {
    arm({ seconds: 3_600, armed: now + shift, uptime: uptime() - 600 });
    expect(minutesLeft()).toBe(50);
  }
});

it('is not known once it seems overdue: the timer of systemd does not count the time in which the host was suspended', () => {
  arm({ seconds: 60, armed: 0, uptime: uptime() - 70 });
  expect(readTimer(folder)).toMatchObject({ state: 'armed', leftMs: expect.any(Number) as number });
  arm({ seconds: 60, armed: 0, uptime: uptime() - 660 });
  expect(readTimer(folder)).toMatchObject({ state: 'armed', leftMs: null });
});

it('is counted by the clock where no uptime was written', () => {
  arm({ seconds: 3_600, armed: Math.floor(Date.now() / 1_000) - 600 });
  expect(minutesLeft()).toBe(50);
});

it('is not known where the file can’t be read', () => {
  arm({ seconds: 3_600 });
  expect(readTimer(folder)).toMatchObject({ state: 'armed', leftMs: null });
});
