import { afterEach, beforeEach, expect, it } from 'vitest';
import { sampleCommand } from '../testing/samples';
import { openBench, QUIET, type Bench } from '../testing/test-fleet';
import { COMMAND_OUTCOMES } from '@/lib/protocol/command-phases';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

const commandOf = (id: string) => bench.fleet.command(id);
const pulled = { status: 'ok', command: 'pull', exit_code: 0 };

it.each(COMMAND_OUTCOMES)(
  '"%s" is an end: the command is not loaded as running, and keeps its times',
  async (outcome) => {
    await bench.agent('h1');
    const ended = { outcome, reason: 'Because.', exitCode: null, endedAt: 9, startedAt: 5 };
    const command = sampleCommand(
      'pull',
      { phase: 'ended', at: 9, outcome, reason: 'Because.', exitCode: null },
      ended,
    );
    await bench.store.commit({ commands: [command] });
    await bench.crash();
    expect(bench.fleet.host('h1')).toMatchObject({ command: null, control: null, queue: [] });
    expect(await commandOf(command.id)).toMatchObject({ outcome, startedAt: 5, endedAt: 9 });
  },
);

it('does not change views that were already handed out', async () => {
  const link = await bench.agent('h1');
  const id = await bench.dispatch('pull');
  const handedOut = bench.fleet.hostViews();
  const before = JSON.stringify(handedOut);
  await bench.say(link, 'status', { ...pulled, status: 'error', exit_code: 1 });
  await bench.say(link, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
  expect((await commandOf(id))?.outcome).toBe('failed');
  expect(JSON.stringify(handedOut)).toBe(before);
});

it('publishes a change before it sends what follows from it', async () => {
  const link = await bench.agent('h1');
  const published: unknown[] = [];
  const send = link.send.bind(link);
  link.send = (frame) => {
    if (frame.type === 'command') published.push(bench.patches.at(-1)?.command?.phase);
    return send(frame);
  };
  await bench.dispatch('pull');
  expect(link.commands()).toEqual(['pull']);
  expect(published).toEqual(['sent']);
});
