import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadCommandMemory } from './command-memory';
import { createAgentLog } from './log';

const RESULT = { status: 'ok', exitCode: 0, message: '', generation: 'abc', restarting: true, lastSeq: 7 } as const;
let folder: string;
let stateDir: string;
let path: string;
let logged: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nixfleet-memory-'));
  stateDir = join(folder, 'state');
  path = join(stateDir, 'commands.json');
  logged = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const load = () =>
  loadCommandMemory({ stateDir, log: createAgentLog('error', undefined, (line) => logged.push(line)) });
const command = (id: string) => ({ id, command: 'pull', refused: false, acknowledged: false, result: null });

describe('command memory', () => {
  it('is the same after a restart, in a file that only its owner reads', () => {
    const memory = load();
    expect(memory.add(command('done'))).toBe(true);
    memory.update('done', { result: RESULT });
    memory.add({ ...command('refused'), refused: true });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const after = load();
    expect(after.find('done')).toEqual({ ...command('done'), result: RESULT });
    expect(after.find('refused')?.refused).toBe(true);
    expect(after.unacknowledged().map(({ id }) => id)).toEqual(['done']);
    after.update('done', { acknowledged: true });
    expect(load().unacknowledged()).toEqual([]);
  });

  it('keeps the last 256 commands', () => {
    const memory = load();
    for (let i = 0; i < 300; i++) memory.add(command(`c${i}`));
    const { commands } = JSON.parse(readFileSync(path, 'utf8')) as { commands: { id: string }[] };
    expect(commands).toHaveLength(256);
    expect(commands[0]?.id).toBe('c44');
  });

  it('starts empty when the file is damaged', () => {
    load().add(command('a'));
    writeFileSync(path, '{"commands": [{"id": 5}');
    expect(load().find('a')).toBeUndefined();
  });

  it('logs a file that cannot be written, and knows the command all the same', () => {
    writeFileSync(stateDir, 'a file where the folder should be');
    const memory = load();
    expect(memory.add(command('a'))).toBe(false);
    expect(memory.find('a')?.command).toBe('pull');
    expect(logged.join('')).toContain("commands.json can't be written");
  });
});
