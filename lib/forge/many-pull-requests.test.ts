/** An update behind any number of pull requests that look like one, and a clock that is set while a rate limit lasts. */
import { describe, expect, it } from 'vitest';
import type { Dialect } from './testing/fake-forge';
import { fault } from './testing/fake-responses';
import { useWatchBench } from './testing/update-watch-bench';

describe.each<Dialect>(['github', 'forgejo'])('at %s', (dialect) => {
  const bench = useWatchBench(dialect);
  const openOther = () =>
    bench.openUpdate({
      ...{ title: 'Bump npm', labels: ['dependencies'] },
      files: [{ filename: 'package-lock.json', status: 'modified' }],
    });

  it('an update is found behind many pull requests that look like one', async () => {
    const update = bench.openUpdate({ labels: ['dependencies'] });
    for (let number = 0; number < 11; number += 1) openOther();
    const updates = bench.service();
    await updates.refresh();
    expect(updates.state.update).toBeNull();
    expect(updates.state.hint).toContain('7 more pull requests look like flake updates and were not checked.');
    await updates.refresh();
    await updates.refresh();
    expect(updates.state.update?.number).toBe(update.number);
    expect(updates.state.hint).toContain('6 more look like flake updates but are not offered.');
    expect(updates.state.hint).not.toContain('not checked');
    // What is known is not read again.
    const reads = () => bench.forge.requests.filter((request) => request.url.includes('/files')).length;
    const before = reads();
    await updates.refresh();
    expect(reads()).toBe(before);
  });

  it('a rate limit ends after its time, also when the clock is set back or ahead meanwhile', async () => {
    bench.openUpdate();
    bench.forge.intercept = () => fault(429, { message: 'slow down' }, { 'retry-after': '60' });
    const updates = bench.service();
    await updates.refresh();
    bench.forge.intercept = null;
    const asked = bench.forge.requests.length;
    bench.clock.step(2 * 3_600_000);
    await updates.refresh();
    expect(bench.forge.requests).toHaveLength(asked);
    bench.clock.step(-4 * 3_600_000);
    bench.clock.advance(59_000);
    await updates.refresh();
    expect(bench.forge.requests).toHaveLength(asked);
    bench.clock.advance(2_000);
    await updates.refresh();
    expect(updates.state.error).toBeNull();
    expect(updates.state.update).not.toBeNull();
  });
});
