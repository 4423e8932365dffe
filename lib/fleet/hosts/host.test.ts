import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterHeartbeat, afterRegister, concludedReport, differsDurably, newHost, withoutCredentials } from './host';
import { SECOND, T0 } from '../testing/samples';
import type { HostRecord } from '../records/host-record';
import { hostNameOf } from '@/lib/protocol/agent/host-name';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import type { AgentFrame } from '@/lib/protocol/agent/from-agent';

type Payload<T> = Extract<AgentFrame, { type: T }>['payload'];

function register(content: object = {}): Payload<'register'> {
  const parsed = parseAgentFrame(JSON.stringify({ type: 'register', payload: { hostname: 'h1', ...content } }));
  if (parsed.kind !== 'frame' || parsed.frame.type !== 'register') throw new Error(JSON.stringify(parsed));
  return parsed.frame.payload;
}

function heartbeat(content: object = {}): Payload<'heartbeat'> {
  const parsed = parseAgentFrame(JSON.stringify({ type: 'heartbeat', payload: content }));
  if (parsed.kind !== 'frame' || parsed.frame.type !== 'heartbeat') throw new Error(JSON.stringify(parsed));
  return parsed.frame.payload;
}

const FULL_REGISTER = {
  host_type: 'nixos',
  agent_version: '3.1.5',
  os_version: '12',
  nixpkgs_version: '26.05',
  generation: '3c9a808',
  theme_color: '#AABBCC',
  heartbeat_interval: 7,
  location: 'work',
  device_type: 'server',
  repo_url: 'https://git.example.com/ops/nixcfg.git',
  repo_dir: '/var/lib/repo',
  source_commit: '2c4ef43',
  store_path: '/nix/store/a-agent',
  binary_hash: 'hash-a',
};
const word = (status: string, time: string, message = `${status} at ${time}`) => ({
  status,
  message,
  checked_at: time,
});
const FULL_HEARTBEAT = {
  generation: '3c9a808',
  nixpkgs_version: '26.05',
  pending_command: null,
  command_pid: null,
  metrics: { cpu: 1, ram: 2, swap: 3, load: 4 },
  update_status: { lock: word('ok', 't1'), system: word('ok', 't1'), tests: word('error', 't1') },
  source_commit: '2c4ef43',
  store_path: '/nix/store/a-agent',
  binary_hash: 'hash-a',
  lock_hash: 'lock-a',
};

const fresh = newHost('h1', 'h1', T0);
const known = afterHeartbeat(afterRegister(fresh, register(FULL_REGISTER), T0), heartbeat(FULL_HEARTBEAT), T0 + SECOND);
const beats = (host: HostRecord, ...contents: object[]) =>
  contents.reduce<HostRecord>((record, content, index) => {
    return afterHeartbeat(record, heartbeat(content), T0 + (index + 2) * SECOND);
  }, host);

describe('hostNameOf', () => {
  it.each([
    ['h1', 'h1'],
    ['H1', 'h1'],
    ['  web-01\n', 'web-01'],
    ['a', 'a'],
    ['a'.repeat(63), 'a'.repeat(63)],
    ['123', '123'],
  ])('%j is %j', (claimed, name) => {
    expect(hostNameOf(claimed)).toBe(name);
  });

  it.each([
    '',
    ' ',
    '.',
    '-a',
    'a-',
    'a'.repeat(64),
    `${'a'.repeat(300)}.lan`,
    '../x',
    '../../etc/passwd',
    'a/b',
    'a\\b',
    'a b',
    'a_b',
    'a..b',
    'a.',
    // A name that the network assigned.
    'imac0.lan',
    'web.example.com',
    '.a',
    'a.-b',
    '192.168.1.5',
    'a\u0000',
    'a\nb',
    'a\u202eb',
    'hôte',
    '主机',
    // The Kelvin sign, whose lower case is a plain k.
    '\u212Aate',
    '🖥',
    '<script>',
    "'; DROP TABLE hosts; --",
    '%2e%2e',
    '__proto__',
  ])('refuses the host name %j', (claimed) => {
    expect(hostNameOf(claimed)).toBeNull();
  });

  it('always gives one DNS label or null', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.domain(), fc.string()), (claimed) => {
        const name = hostNameOf(claimed);
        if (name !== null) expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
      }),
    );
  });
});

describe('withoutCredentials', () => {
  it.each([
    ['https://user:pass@git.example.com/ops/cfg.git', 'https://git.example.com/ops/cfg.git'],
    ['https://ghp_token@github.com/ops/cfg', 'https://github.com/ops/cfg'],
    ['https://oauth2:token@gitlab.example:8443/ops/cfg', 'https://gitlab.example:8443/ops/cfg'],
    ['https://user:p@ss@git.example.com/ops/cfg', 'https://git.example.com/ops/cfg'],
    ['https://user:pa/ss@git.example.com/ops/cfg', 'https://git.example.com/ops/cfg'],
    ['HTTPS://user:pass@git.example.com', 'HTTPS://git.example.com'],
    ['ssh://git@git.example.com:22/ops/cfg', 'ssh://git.example.com:22/ops/cfg'],
    ['git+https://user:pass@git.example.com/ops/cfg?ref=main&token=x', 'git+https://git.example.com/ops/cfg'],
    ['https://git.example.com/ops/cfg?access_token=secret#x', 'https://git.example.com/ops/cfg'],
    ['user:pass@git.example.com/ops/cfg', 'git.example.com/ops/cfg'],
    // Nothing to hide in these:
    ['https://git.example.com/ops/cfg.git', 'https://git.example.com/ops/cfg.git'],
    ['https://git.example.com/@scope/cfg', 'https://git.example.com/@scope/cfg'],
    ['https://git.example.com:8443/@scope/cfg', 'https://git.example.com:8443/@scope/cfg'],
    ['https://[::1]:8443/@scope/cfg', 'https://[::1]:8443/@scope/cfg'],
    ['git@git.example.com:ops/cfg.git', 'git@git.example.com:ops/cfg.git'],
    ['git@git.example.com:ops/@scope', 'git@git.example.com:ops/@scope'],
    ['/srv/git/cfg.git', '/srv/git/cfg.git'],
    ['file:///srv/git/cfg.git', 'file:///srv/git/cfg.git'],
    ['', ''],
  ])('%s → %s', (address, expected) => {
    expect(withoutCredentials(address)).toBe(expected);
  });

  it('removes any password, whatever characters it has', () => {
    const password = fc.stringMatching(/^[!-~]{4,20}$/).map((text) => `S3CR${text}T`);
    const scheme = fc.constantFrom('https://', 'http://', 'ssh://', 'git+https://');
    fc.assert(
      fc.property(scheme, password, (start, secret) => {
        expect(withoutCredentials(`${start}user:${secret}@git.example.com/cfg`)).not.toContain('S3CR');
      }),
    );
  });
});

describe('afterRegister', () => {
  it('fills a host', () => {
    expect(known).toMatchObject({
      type: 'nixos',
      agentVersion: '3.1.5',
      protocol: 2,
      osVersion: '12',
      location: 'work',
      deviceType: 'server',
      themeColor: '#aabbcc',
      heartbeatIntervalS: 7,
      repoUrl: 'https://git.example.com/ops/nixcfg.git',
      generation: '3c9a808',
    });
  });

  it('an empty value never overwrites a known one', () => {
    const again = afterRegister(known, register(), T0 + 10 * SECOND);
    expect(again).toEqual({ ...known, heartbeatIntervalS: 5, lastSeenAt: T0 + 10 * SECOND });
    expect(differsDurably(known, { ...again, heartbeatIntervalS: 7 })).toBe(false);
  });

  it('the capabilities are those of the last register, and change nothing durably', () => {
    const named = afterRegister(known, register({ capabilities: ['pull', 'later'] }), T0);
    expect(named.capabilities).toEqual(['pull', 'later']);
    expect(afterRegister(named, register(), T0).capabilities).toBeNull();
    expect(differsDurably(known, { ...known, capabilities: ['pull'] })).toBe(false);
  });

  it('"unknown" counts as an empty value', () => {
    const again = afterRegister(known, register({ os_version: 'unknown' }), T0);
    expect(again).toMatchObject({ osVersion: '12' });
  });

  it('stores a repository address without credentials', () => {
    const host = afterRegister(fresh, register({ repo_url: 'https://user:pass@git.example.com/cfg' }), T0);
    expect(host.repoUrl).toBe('https://git.example.com/cfg');
  });

  it.each([
    ['an agent that does not say is of protocol 2', {}, 2],
    ['one that says 3 is of 3', { protocol: 3 }, 3],
    ['a later protocol counts as 3', { protocol: 9 }, 3],
    ['an invalid protocol counts as 2', { protocol: -1 }, 2],
  ])('%s', (_name, content, protocol) => {
    expect(afterRegister(fresh, register(content), T0).protocol).toBe(protocol);
  });

  it.each([
    ['the first register gives the colour of its system', { host_type: 'macos' }, fresh, '#bb9af7'],
    ['an unknown system keeps the default', { host_type: 'plan9' }, fresh, '#7aa2f7'],
    ['the agent’s colour counts', { host_type: 'nixos', theme_color: '#123456' }, fresh, '#123456'],
    ['in upper or lower case', { theme_color: '#ABCDEF' }, fresh, '#abcdef'],
    ['in its short form', { theme_color: '#aBc' }, known, '#aabbcc'],
    ['in its short form on a new host', { theme_color: '#f0a' }, fresh, '#ff00aa'],
    ['a later register without a colour keeps the known one', { host_type: 'macos' }, known, '#aabbcc'],
    ['text that is not a colour is ignored', { theme_color: 'red;background:url(x)' }, known, '#aabbcc'],
    [
      '201: one that an operator chose stays',
      { theme_color: '#123456' },
      { ...known, themeColorPinned: true },
      '#aabbcc',
    ],
  ])('%s', (_name, content, before, color) => {
    expect(afterRegister(before, register(content), T0).themeColor).toBe(color);
  });
});

describe('afterHeartbeat', () => {
  it('absent, null and empty values never overwrite known ones', () => {
    const empty = Object.fromEntries(Object.keys(FULL_HEARTBEAT).map((field) => [field, null]));
    const blank = { ...empty, update_status: { lock: word('', '', ''), system: null, tests: word('', '', '') } };
    for (const content of [{}, empty, blank]) {
      expect(beats(known, content)).toEqual({ ...known, lastSeenAt: T0 + 2 * SECOND });
    }
  });

  it('a text field takes the new value, or keeps the old one if the new one is empty', () => {
    const fields = ['generation', 'store_path', 'binary_hash', 'lock_hash'] as const;
    const keys = ['generation', 'storePath', 'binaryHash', 'lockHash'] as const;
    const said = fc.constantFrom(undefined, null, '', 'abc1234');
    fc.assert(
      fc.property(fc.tuple(said, said, said, said), (values) => {
        const content = Object.fromEntries(fields.map((field, index) => [field, values[index]]));
        const after = beats(known, content);
        keys.forEach((key, index) => {
          expect(after[key]).toBe(values[index] ? values[index] : known[key]);
        });
      }),
    );
  });

  it('stores metrics with the time they arrived', () => {
    expect(known).toMatchObject({ metrics: { cpu: 1, ram: 2, swap: 3, load: 4 }, metricsAt: T0 + SECOND });
    expect(beats(known, { metrics: null })).toMatchObject({ metrics: { cpu: 1 }, metricsAt: T0 + SECOND });
  });

  it('only changes other than last-seen time and metrics must be stored at once', () => {
    expect(differsDurably(known, beats(known, { ...FULL_HEARTBEAT, metrics: { cpu: 99 } }))).toBe(false);
    for (const change of [
      { generation: '6f27b9a' },
      { lock_hash: 'lock-b' },
      { update_status: { system: word('error', 't2') } },
    ]) {
      expect(differsDurably(known, beats(known, { ...FULL_HEARTBEAT, ...change }))).toBe(true);
    }
  });
});

describe('reports of the agent', () => {
  const system = (status: string, time: string) => ({ update_status: { system: word(status, time) } });

  it('a report holds for the generation of the heartbeat that first sent it', () => {
    expect(known.system).toEqual({
      status: 'ok',
      message: 'ok at t1',
      saidAt: 't1',
      at: T0 + SECOND,
      generation: '3c9a808',
    });
  });

  it('an "ok" repeated after a pull still belongs to the old generation', () => {
    const pulled = beats(known, { ...system('ok', 't1'), generation: '6f27b9a' });
    expect(pulled.generation).toBe('6f27b9a');
    expect(pulled.system).toBe(known.system);
  });

  it('the same status with a new time is a new report', () => {
    const switched = beats(known, { ...system('ok', 't1'), generation: '6f27b9a' }, system('ok', 't2'));
    expect(switched.system).toMatchObject({ status: 'ok', saidAt: 't2', generation: '6f27b9a' });
  });

  it('another status in the same second is a new report', () => {
    expect(beats(known, system('error', 't1')).system).toMatchObject({ status: 'error', saidAt: 't1' });
  });

  it('a new message for the same status is stored, the generation is not', () => {
    const content = { generation: '6f27b9a', update_status: { system: word('ok', 't1', 'reworded') } };
    expect(beats(known, content).system).toEqual({ ...known.system, message: 'reworded' });
  });

  it.each([
    ['an empty status, as after a restart of the agent', '', ''],
    ['"working" is not a result', 'working', 't2'],
    ['"unknown", as after five minutes of a long switch, does not replace a known status', 'unknown', 't2'],
    ['an unknown status', 'splendid', 't2'],
    ['a property name of JavaScript objects', 'constructor', 't2'],
  ])('%s', (_name, status, time) => {
    expect(beats(known, system(status, time)).system).toBe(known.system);
  });

  it('"unknown" is stored if nothing is known', () => {
    expect(beats(fresh, system('unknown', 't1')).system).toMatchObject({ status: 'unknown' });
  });

  it('a report that the dashboard’s conclusion replaced does not replace it when the agent repeats it', () => {
    const concluded = {
      ...known,
      system: concludedReport('outdated', 'Rolled back.', '3c9a808', T0 + 9, known.system),
    };
    const repeated = beats(concluded, system('ok', 't1'), { ...system('ok', 't1'), generation: '6f27b9a' });
    expect(repeated.system).toBe(concluded.system);
    expect(beats(repeated, system('ok', 't2')).system).toMatchObject({ status: 'ok', saidAt: 't2' });
    // Concluded twice over the same report of the agent.
    const twice = { ...known, system: concludedReport('error', 'Failed.', '3c9a808', T0 + 10, concluded.system) };
    expect(beats(twice, system('ok', 't1')).system).toBe(twice.system);
  });

  it('the agent’s next report counts as new when there was none before', () => {
    const concluded = { ...known, system: concludedReport('ok', 'Switched.', '3c9a808', T0 + 9) };
    expect(concluded.system.saidAt).toBe('');
    expect(beats(concluded, system('error', '')).system).toMatchObject({ status: 'error' });
  });

  it('is never "ok" for a generation it was not reported for', () => {
    const beat = fc.record({
      generation: fc.constantFrom('', 'aaaaaaa', 'bbbbbbb'),
      system: fc.record({
        status: fc.constantFrom('', 'ok', 'error', 'working', 'unknown'),
        time: fc.constantFrom('t1', 't2', 't3'),
      }),
    });
    fc.assert(
      fc.property(fc.array(beat, { maxLength: 12 }), (sequence) => {
        // For every (status, time), the generation of the heartbeat that first sent it.
        let host = fresh;
        for (const { generation, system: said } of sequence) {
          const before = host.system;
          host = beats(host, { generation, ...system(said.status, said.time) });
          const changed = host.system !== before;
          if (changed) expect(host.system).toMatchObject({ saidAt: said.time, generation: host.generation });
          if (before && said.status === before.status && said.time === before.saidAt) {
            expect(host.system?.generation).toBe(before.generation);
          }
        }
      }),
    );
  });
});
