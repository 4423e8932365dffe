/** No pattern of the project takes more than linear time, so that no text from outside can hold a process. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { attackStrings, piecesOf } from './text/testing/attack-strings';
import { findPatterns, type FoundPattern } from './text/testing/patterns-in-sources';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WORKER = fileURLToPath(new URL('text/testing/pattern-worker.mjs', import.meta.url));

/** Characters of a text: what is quadratic takes ten seconds and more for one, what is linear takes a millisecond. */
const LENGTH = 100_000;
/** For all texts of one pattern. */
const DEADLINE_MS = 30_000;
const TEST_TIMEOUT_MS = 20 * 60_000;

/** With an example of each. */
const MADE_AT_RUN_TIME: readonly FoundPattern[] = [
  // What the reader searches for, escaped.
  { place: 'app/_output/text/output-search.ts', source: 'error: \\[a\\]', flags: 'gi' },
  // The header of a session token.
  {
    place: 'lib/auth/operator/session-cookie.ts',
    source: '^eyJh\\.\\.[\\w-]{16}\\.[\\w-]{1,1024}\\.[\\w-]{22}$',
    flags: '',
  },
  // The addresses of earlier dashboards.
  { place: 'lib/edge/http/gone-addresses.ts', source: '^\\/static\\/.+\\/?$', flags: '' },
  // The paths of the table of rules.
  { place: 'lib/edge/http/request-rules.ts', source: '^/activity/pipelines/([^/]+)$', flags: '' },
];

const files = existsSync(join(ROOT, '.git'))
  ? execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
      .split('\n')
      .filter((path) => /^(?:(?:lib|agent|app|cli|simulator|scripts)\/.*|server|proxy)\.(?:ts|tsx|mjs)$/.test(path))
      .filter((path) => !/\.test\.tsx?$|\/(?:test|testing|fixtures)\//.test(path) && existsSync(join(ROOT, path)))
  : [];

/** The patterns that had not read all of their texts at the deadline. */
async function slowOf(patterns: readonly Omit<FoundPattern, 'place'>[], deadlineMs = DEADLINE_MS): Promise<number[]> {
  const slow: number[] = [];
  let worker = new Worker(WORKER);
  for (const [index, { source, flags }] of patterns.entries()) {
    const texts = attackStrings(source, flags, LENGTH);
    if (!(await isDone(worker, { index, source, flags, texts }, deadlineMs))) {
      slow.push(index);
      await worker.terminate();
      worker = new Worker(WORKER);
    }
  }
  await worker.terminate();
  return slow;
}

function isDone(worker: Worker, task: { index: number; source: string; flags: string; texts: string[] }, ms: number) {
  return new Promise<boolean>((resolve, reject) => {
    const settle = (done: boolean) => {
      clearTimeout(timer);
      worker.off('error', reject);
      resolve(done);
    };
    const timer = setTimeout(() => {
      worker.off('message', onMessage);
      settle(false);
    }, ms);
    const onMessage = () => settle(true);
    worker.once('message', onMessage);
    worker.once('error', reject);
    worker.postMessage(task);
  });
}

describe.skipIf(files.length === 0)('the patterns of the project', () => {
  const { patterns, unread } = findPatterns(ROOT, files);
  const unique = [...new Map(patterns.map((found) => [`/${found.source}/${found.flags}`, found])).values()];

  it('are all found in the sources, except those that are built at run time', () => {
    expect(unique.length).toBeGreaterThan(100);
    expect(unread.map((place) => place.replace(/:\d+$/, ''))).toEqual(MADE_AT_RUN_TIME.map(({ place }) => place));
  });

  it('read their worst texts in linear time', { timeout: TEST_TIMEOUT_MS }, async () => {
    const all = [...unique, ...MADE_AT_RUN_TIME];
    const slow = await slowOf(all);
    expect(slow.map((index) => `${all[index]?.place} /${all[index]?.source}/${all[index]?.flags}`)).toEqual([]);
  });
});

describe('the search for slow patterns', () => {
  it('finds patterns that read a run again from each of its characters, or try each way to divide it', async () => {
    const sources: [source: string, flags: string][] = [
      ['([a-z][a-z0-9+.-]*:\\/\\/)[^/\\s@]+@', 'gi'],
      ['\\s+$', ''],
      ['^(?:a+)+$', ''],
      ['^(?:\\w|_)*-$', ''],
      ['<!--.*-->', ''],
      ['(?:[\\w~.+-]*(?:\\/[\\w.+-]+)+\\/?)', 'y'],
      ['\\[(?:remote )?rejected\\].*(?:fetch first|stale info)', 'i'],
      ['^\\/+|\\/+$', 'g'],
      // Only behind the beginnings of other parts of the pattern.
      ['^\\s*(\\d+)\\s+(\\d+)\\s+(.+?)\\s*$', ''],
      ['^[0-9a-f]{32}: (?:a+)+$', ''],
    ];
    const patterns = sources.map(([source, flags]) => ({ source, flags }));
    expect(await slowOf(patterns, 1_000)).toEqual(sources.map((_, index) => index));
  }, 120_000);

  it('takes a pattern apart into words and classes', () => {
    expect(piecesOf(String.raw`^(?:ab|\.)[0-9]{2,3}(?<x>\u001b)[^\]]+?(?<!z)$`, '')).toMatchObject([
      { text: 'ab' },
      { text: '.' },
      { accepted: ['0', '2', '4', '6', '8'], count: 2 },
      { text: '\u001b' },
      { kind: 'class' },
      { text: 'z' },
    ]);
  });
});
