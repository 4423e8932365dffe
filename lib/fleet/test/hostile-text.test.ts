import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBench, type Bench } from '../testing/test-fleet';
import {
  type V1Register,
  v1RegisterSchema,
  type V1Status,
  v1StatusSchema,
  type V1TestProgress,
  v1TestProgressSchema,
} from '@/lib/protocol/http/v1-agent';

/* eslint no-control-regex: off -- control characters are what this file is about */

let bench: Bench;
let requests: number;
/** An id for each request, the same ones in each run with the same seed. */
const nextRequest = () => `request-${(requests += 1)}`;
beforeEach(async () => {
  requests = 0;
  bench = await openBench();
});
afterEach(() => bench.close());

const ESC = '\u001b';
/** Text that could control a terminal, forge a line, break out of a page, traverse folders or reverse text. */
const hostile = fc.constantFrom(
  `${ESC}[2J${ESC}[H`,
  `${ESC}]0;owned\u0007`,
  `${ESC}]8;;http://evil.example\u0007link${ESC}]8;;\u0007`,
  `${ESC}P+q544e${ESC}\\`,
  '\u009b31m',
  '\r\n{"level":"error","msg":"forged"}\r\n',
  '\n[root@host]# ',
  '\b\b\b\b',
  '\u0000',
  '\u202egnp.exe',
  '\u2066a\u2069',
  '\u2028',
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  "');alert(1);//",
  '../../../../etc/passwd',
  '..\\..\\x',
  '\ud800',
  '%00%2e%2e%2f',
  '$(reboot)`reboot`',
);
const text = fc
  .array(fc.oneof(hostile, fc.string({ unit: 'binary', maxLength: 12 })), { maxLength: 6 })
  .map((parts) => parts.join(''));
const record = <T extends string>(...fields: readonly T[]): fc.Arbitrary<Record<T, string>> =>
  fc
    .tuple(...fields.map(() => text))
    .map((values) => Object.fromEntries(fields.map((field, index) => [field, values[index]])) as Record<T, string>);

const register = record(
  'host_type',
  'agent_version',
  'os_version',
  'nixpkgs_version',
  'generation',
  'theme_color',
  'location',
  'device_type',
  'repo_url',
  'repo_dir',
  'source_commit',
  'store_path',
  'binary_hash',
  'instance',
);
const word = record('status', 'message', 'checked_at');
const saidWord = fc.oneof(
  word,
  word.map((said) => ({ ...said, status: 'error' })),
);
const heartbeat = fc.record({
  generation: text,
  nixpkgs_version: text,
  pending_command: text,
  source_commit: text,
  store_path: text,
  binary_hash: text,
  lock_hash: text,
  update_status: fc.record({ git: saidWord, lock: saidWord, system: saidWord, tests: saidWord }),
});
const result = fc.record({
  status: fc.constantFrom('ok', 'error', 'stopped', 'warning'),
  command: fc.oneof(fc.constant('test'), text),
  exit_code: fc.constantFrom(0, 1, -1),
  message: text,
  generation: text,
});
const progress = fc.record({
  progress: fc.dictionary(text, fc.record({ current: fc.nat(9), total: fc.nat(9), status: text }), { maxKeys: 3 }),
});

/** No control, no line or direction character, no half surrogate: plain text only. */
const PLAIN = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\p{Surrogate}]*$/u;
/** The same, plus colours and tabs. */
const PRINTED =
  /^(?:[^\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\p{Surrogate}]|\u001b\[[0-9;:]*m)*$/u;

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...strings(inner)]);
}

/** Every text of the database but output, with JSON columns parsed. */
function stored(): string[] {
  const client = bench.database.db.$client;
  return ['hosts', 'commands', 'events'].flatMap((table) =>
    client
      .prepare<[], Record<string, unknown>>(`select * from ${table}`)
      .all()
      .flatMap((row) => strings(Object.values(row).map(taken))),
  );
}

function taken(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

async function expectHarmless(): Promise<void> {
  const { fleet, database } = bench;
  const shown = [
    fleet.hostViews(),
    fleet.notices(),
    fleet.heldAgents(),
    await fleet.events({ limit: 500 }),
    bench.notices,
  ];
  for (const value of [...strings(shown), ...stored()]) expect(value).toMatch(PLAIN);
  for (const { lastCommand, command } of fleet.hostViews()) {
    for (const one of [lastCommand, command]) {
      const lines = one ? await fleet.output(one.id, 0, 1_000) : [];
      for (const line of lines) expect(line.text).toMatch(PRINTED);
    }
  }
  for (const line of database.logged) expect(line.trimEnd()).toMatch(PLAIN);
  // No name that an agent sends ever becomes a file name.
  expect(readdirSync(database.folder).filter((name) => !name.startsWith('nixfleet.db'))).toEqual([]);
}

describe('hostile text from agents is treated as text', () => {
  it('from agents over sockets: names, versions, reports, output, messages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constant('h1'), text),
        register,
        fc.array(heartbeat, { maxLength: 2 }),
        fc.array(text, { maxLength: 4 }),
        result,
        progress,
        async (hostname, said, beats, output, end, phases) => {
          const link = bench.connect();
          await bench.say(link, 'register', { hostname, ...said });
          const [host] = bench.fleet.hostViews().filter(({ online }) => online);
          if (host)
            await bench.fleet.dispatch({
              operation: 'test',
              hostIds: [host.id],
              requestId: nextRequest(),
              by: BY,
            });
          for (const beat of beats) await bench.say(link, 'heartbeat', beat);
          await bench.say(link, 'operation_progress', phases);
          for (const line of output) await bench.say(link, 'output', { line, stream: 'stderr' });
          await bench.say(link, 'status', end);
          await bench.say(link, 'command_rejected', { reason: said.location, current_command: said.repo_dir });
          await bench.say(link, said.host_type, {});
          bench.fleet.inbox.frame(link, parseAgentFrame(said.store_path));
          await bench.advance(2_000);
          await expectHarmless();
          await bench.hangUp(link, 1006, said.instance.slice(0, 100));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('from version-1 agents over HTTP', async () => {
    const v1 = record(
      'location',
      'device_type',
      'theme_color',
      'current_generation',
      'comment',
      'test_status',
      'config_repo',
      'agent_version',
      'nixpkgs_version',
      'os_version',
      'os_name',
    );
    const call = { id: 'hsb0', address: '198.51.100.9', identity: { kind: 'shared' } } as const;
    const cut = (fields: Record<string, string>) =>
      Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.slice(0, 20)]));
    await fc.assert(
      fc.asyncProperty(v1, text, text, async (fields, output, comment) => {
        const registered: V1Register = v1RegisterSchema.parse({ hostname: 'hsb0', host_type: 'nixos', ...cut(fields) });
        const status: V1Status = v1StatusSchema.parse({ status: 'error', output, comment: comment.slice(0, 200) });
        const tests: V1TestProgress = v1TestProgressSchema.parse({
          current: 1,
          total: 2,
          passed: 1,
          running: false,
          result: `1/2 pass${output.slice(0, 100)}`,
        });
        const { v1Inbox } = bench.fleet;
        await v1Inbox.register(call, registered);
        await bench.fleet.dispatch({
          operation: 'pull-switch',
          hostIds: ['hsb0'],
          requestId: nextRequest(),
          by: BY,
        });
        await v1Inbox.register(call, registered);
        await v1Inbox.status(call, status);
        await v1Inbox.status(call, status);
        await v1Inbox.testProgress(call, tests);
        await bench.advance(61_000);
        await expectHarmless();
      }),
      { numRuns: 25 },
    );
  });
});

const BY = { userId: 'operator', userName: 'operator', address: '192.0.2.7' };
