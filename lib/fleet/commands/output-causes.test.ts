import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventSentence } from '../events/event-sentence';
import { openBench, QUIET, type Bench, type TestLink } from '../testing/test-fleet';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

async function print(link: TestLink, lines: readonly string[]): Promise<void> {
  for (const line of lines) await bench.say(link, 'output', { line, stream: 'stderr' });
}

const NIX = [
  'building the system configuration...',
  "\u001b[31;1merror:\u001b[0m attribute \u001b[35;1m'nginx'\u001b[0m missing",
  '',
  '       \u001b[34;1mat\u001b[0m /nix/store/0lhl8rdr13s2bb08mbzpsagy13s6sv6r-source/hosts/h1/web.nix:3:5:',
  "(use '--show-trace' to show detailed location information)",
];
const REASON =
  "The host reported exit code 1. Its output says: error: attribute 'nginx' missing (at hosts/h1/web.nix:3:5).";

describe('the reason of a command that failed', () => {
  it('names the cause in its output where the agent reports only an exit code', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('switch');
    await print(link, NIX);
    await bench.say(link, 'status', { status: 'error', command: 'switch', exit_code: 1, message: 'command failed' });
    await bench.say(link, 'heartbeat', QUIET);
    expect(await bench.fleet.command(id)).toMatchObject({ outcome: 'failed', reason: REASON });
    const [ended] = await bench.store.events({ limit: 1, hostId: 'h1' });
    expect(ended && eventSentence(ended)).toBe(`The switch on h1 failed. ${REASON}`);
  });

  it('also counts lines that arrive behind the status, and none of an earlier command', async () => {
    const link = await bench.agent('h1');
    const first = await bench.dispatch('pull');
    await print(link, ['fatal: not a cause of the next command']);
    await bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    await bench.say(link, 'heartbeat', QUIET);
    expect(await bench.fleet.command(first)).toMatchObject({ outcome: 'unchanged' });
    const second = await bench.dispatch('pull');
    await bench.say(link, 'status', { status: 'error', command: 'pull', exit_code: 1, message: 'exit status 128' });
    await print(link, [
      "fatal: Unable to create '/x/.git/index.lock': File exists.",
      '',
      'remove the file manually to continue.',
    ]);
    await bench.say(link, 'heartbeat', QUIET);
    expect((await bench.fleet.command(second))?.reason).toBe(
      "The host reported: exit status 128. Its output says: fatal: Unable to create '/x/.git/index.lock': File exists.",
    );
  });

  it('stays as the agent reports it where the output shows no error, and for tests, which print expected ones', async () => {
    const link = await bench.agent('h1');
    const plain = await bench.dispatch('pull');
    await print(link, ['Already up to date.']);
    await bench.say(link, 'status', { status: 'error', command: 'pull', exit_code: 1, message: 'exit status 1' });
    await bench.say(link, 'heartbeat', QUIET);
    expect((await bench.fleet.command(plain))?.reason).toBe('The host reported: exit status 1.');
    const tests = await bench.dispatch('test');
    await print(link, ['error: this is what the test expects']);
    await bench.say(link, 'status', { status: 'error', command: 'test', exit_code: 1, message: 'command failed' });
    await bench.say(link, 'heartbeat', QUIET);
    expect((await bench.fleet.command(tests))?.reason).toBe('The host reported exit code 1.');
  });
});
