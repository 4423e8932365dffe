import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { startChild, type ChildOptions } from './process';
import { fileAppears, isProcessRunning, processEnds } from './testing/host';

const folder = mkdtempSync(join(tmpdir(), 'nixfleet-process-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(script: string, more: Partial<ChildOptions> = {}) {
  const lines: string[] = [];
  const child = startChild({
    program: '/bin/sh',
    args: ['-c', script],
    cwd: folder,
    env: process.env,
    timeoutMs: null,
    onLine: (line, stream) => lines.push(`${stream}: ${line}`),
    ...more,
  });
  return { child, lines };
}

describe('startChild', () => {
  it('reports how the program ended', async () => {
    expect(await start('exit 7').child.end).toEqual({ kind: 'exited', code: 7 });
    expect(await start('kill -9 $$').child.end).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
    expect(await start('', { program: 'no-such-program-here' }).child.end).toMatchObject({
      kind: 'not-started',
      problem: expect.stringContaining('was not found') as string,
    });
    expect(await start('', { cwd: '/no/such/folder' }).child.end).toMatchObject({
      problem: 'the folder /no/such/folder does not exist',
    });
    expect(await start('', { args: ['-c', 'x'.repeat(4_000_000)] }).child.end).toMatchObject({ kind: 'not-started' });
  });

  it('stops waiting for the output of a process that was left behind, and says so', async () => {
    const pidFile = join(folder, 'left-behind');
    const { child, lines } = start(`sleep 60 & echo $! > ${pidFile}; echo out`, { pipeGraceMs: 200 });
    expect(await child.end).toEqual({ kind: 'exited', code: 0 });
    expect(lines[0]).toBe('stdout: out');
    expect(lines[1]).toContain('keeps its output open');
    const left = Number(readFileSync(pidFile, 'utf8'));
    // The command was not stopped: a service that it started continues.
    expect(isProcessRunning(left)).toBe(true);
    process.kill(left, 'SIGKILL');
  });

  it('ends a program that takes too long with everything it started, even if it ignores SIGTERM', async () => {
    const pidFile = join(folder, 'stubborn');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { child } = start(
      `trap '' TERM; sh -c 'trap "" TERM; echo $$ > ${pidFile}.tmp; mv ${pidFile}.tmp ${pidFile}; while :; do sleep 1; done' & wait; while :; do sleep 1; done`,
      { timeoutMs: 300_000, stopGraceMs: 10_000 },
    );
    try {
      await fileAppears(pidFile);
      vi.advanceTimersByTime(300_000 + 10_000);
    } finally {
      vi.useRealTimers();
    }
    expect(await child.end).toEqual({ kind: 'timed-out', afterMs: 300_000 });
    await processEnds(Number(readFileSync(pidFile, 'utf8')));
  });

  it('kills members of the group that ignore SIGTERM after the leader has ended', async () => {
    const pidFile = join(folder, 'survivor');
    const { child } = start(
      `sh -c 'trap "" TERM; echo $$ > ${pidFile}.tmp; mv ${pidFile}.tmp ${pidFile}; while :; do sleep 1; done' & wait`,
      {
        pipeGraceMs: 200,
      },
    );
    await fileAppears(pidFile);
    expect(child.signal('SIGTERM')).toBe('sent');
    expect(await child.end).toEqual({ kind: 'signalled', signal: 'SIGTERM' });
    await processEnds(Number(readFileSync(pidFile, 'utf8')));
    expect(child.signal('SIGTERM')).toBe('gone');
  });

  it('reads output files to the end and removes them', async () => {
    const outputFiles = { stdout: join(folder, 'out', 'stdout'), stderr: join(folder, 'out', 'stderr') };
    const { child, lines } = start('i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo $i; done; echo e >&2', {
      outputFiles,
    });
    expect(await child.end).toEqual({ kind: 'exited', code: 0 });
    expect(lines.filter((line) => line.startsWith('stdout'))).toHaveLength(5000);
    expect(lines).toContain('stderr: e');
    expect(existsSync(outputFiles.stdout)).toBe(false);
  });
});
