import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBuildLog, isBuilderLine, type BuildProgress } from './build-log';

const DRV = '/nix/store/00000000000000000000000000000000-firefox-130.0.drv';

function read(records: readonly (object | string)[]) {
  const progress: BuildProgress[] = [];
  const log = createBuildLog((counts) => progress.push(counts));
  const lines = records.flatMap((record) =>
    log.read(typeof record === 'string' ? record : `@nix ${JSON.stringify(record)}`),
  );
  return { lines, progress };
}

const start = (id: number, type: number, more: object = {}) => ({
  action: 'start',
  id,
  level: 0,
  text: '',
  type,
  ...more,
});
const counted = (id: number, done: number, expected: number) => ({
  action: 'result',
  id,
  type: 105,
  fields: [done, expected, 1, 0],
});

describe('the log of a build', () => {
  it('counts builds and downloads, and calls back when a number changes', () => {
    const { progress } = read([
      start(1, 104),
      start(2, 103),
      counted(1, 0, 3),
      counted(2, 0, 0),
      counted(1, 0, 3),
      counted(2, 4, 10),
      counted(1, 1, 3),
    ]);
    expect(progress).toEqual([
      { built: 0, toBuild: 3, fetched: 0, toFetch: 0, building: true },
      { built: 0, toBuild: 3, fetched: 4, toFetch: 10, building: true },
      { built: 1, toBuild: 3, fetched: 4, toFetch: 10, building: true },
    ]);
  });

  it('never counts more finished than the total', () => {
    expect(read([start(1, 104), counted(1, 5, 3)]).progress).toEqual([
      { built: 5, toBuild: 5, fetched: 0, toFetch: 0, building: true },
    ]);
  });

  it('says whether a build has started', () => {
    const waiting = { ...counted(1, 0, 3), fields: [0, 3, 0, 0] };
    expect(read([start(1, 104), waiting, counted(1, 0, 3)]).progress.map(({ building }) => building)).toEqual([
      false,
      true,
    ]);
  });

  it('still counts what failed, and what depends on it, as expected', () => {
    const failed = (fields: number[]) => ({ action: 'result', id: 1, type: 105, fields });
    const { progress } = read([start(1, 104), counted(1, 4, 14), failed([4, 13, 0, 1]), failed([4, 4, 0, 1])]);
    expect(progress.at(-1)).toMatchObject({ built: 4, toBuild: 14 });
  });

  it.each([
    ['fleet-status-0.3.1', 'fleet-status'],
    ['unit-nixfleet-agent.service', 'unit-nixfleet-agent.service'],
    ['-1', '-1'],
  ])('writes the name of %s before its lines as Nix does: %s', (name, shown) => {
    const drv = `/nix/store/00000000000000000000000000000000-${name}.drv`;
    const line = { action: 'result', id: 3, type: 101, fields: ['compiling'] };
    expect(read([start(3, 105, { fields: [drv] }), line]).lines).toEqual([`${shown}> compiling`]);
  });

  it('prints readable lines: messages, what is built, and the lines of a build with its name', () => {
    const { lines } = read([
      { action: 'msg', level: 1, msg: 'warning: Git tree is dirty' },
      { action: 'msg', level: 5, msg: 'evaluating file' },
      start(3, 105, { level: 3, text: `building '${DRV}'`, fields: [DRV, '', 1, 1] }),
      { action: 'result', id: 3, type: 101, fields: ['[ 1/48] Compiling'] },
      'a line that is not of the format',
    ]);
    expect(lines).toEqual([
      'warning: Git tree is dirty',
      `building '${DRV}'`,
      'firefox> [ 1/48] Compiling',
      'a line that is not of the format',
    ]);
  });

  it('repeats the last ten lines of a failed build with its error, unless Nix did', () => {
    const built = Array.from({ length: 12 }, (_, line) => ({
      action: 'result',
      id: 3,
      type: 101,
      fields: [`line ${line}`],
    }));
    const error = `error: builder for '${DRV}' failed with exit code 2`;
    const begun = start(3, 105, { fields: [DRV] });
    const { lines } = read([begun, ...built, { action: 'stop', id: 3 }, { action: 'msg', level: 0, msg: error }]);
    expect(lines.slice(12)).toEqual([
      error,
      '       last 10 log lines:',
      ...built.slice(2).map(({ fields: [text] }) => `       > ${text}`),
    ]);
    const complete = `${error};\n       last 1 log lines:\n       > line`;
    expect(read([begun, ...built, { action: 'msg', level: 0, msg: complete }]).lines.slice(12)).toEqual(
      complete.split('\n'),
    );
  });

  it.each([
    ['fleet-status> src/render.c:214:17: error: implicit declaration', true],
    ["error: builder for '/nix/store/x.drv' failed with exit code 2", false],
    ['       > src/render.c:214:17: error: implicit declaration', false],
  ])('tells the lines of a builder from those of Nix: %s', (line, isBuilder) => {
    expect(isBuilderLine(line)).toBe(isBuilder);
  });

  it('ignores records that it does not know, and never throws', () => {
    expect(read([{ action: 'later' }, start(9, 999), counted(77, 1, 2), '@nix {']).lines).toEqual([]);
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.jsonValue(), fc.string())), (records) => {
        read(records.map((record) => (typeof record === 'string' ? `@nix ${record}` : (record as object))));
      }),
    );
  });
});
