/** Frames that a Go agent sent, and what each is parsed to. */
import { readFileSync } from 'node:fs';

/** The lines, as they came over the connection. */
export const RECORDED_LINES = readFileSync(new URL('../fixtures/agent-frames.ndjson', import.meta.url), 'utf8')
  .trim()
  .split('\n');

const storePath = '/nix/store/0000000000000000000000000000000a-nixfleet-agent-3.1.5/bin/nixfleet-agent';
const binaryHash = '8b22e253e7d8e17df622833191d39b65db4267c335c8a792e4197ce65a7806f0';
const at = (time: string) => `2026-11-22T${time}Z`;
const none = { status: '', message: '', checked_at: '' };

/** A heartbeat of the fixtures; the parameters are what differs between them. */
function beat(
  pending: string,
  pid: number | null,
  lock: { status?: string; message?: string; checked_at: string },
  words: { system?: object; tests?: object; generation?: string } = {},
) {
  return {
    type: 'heartbeat',
    payload: {
      generation: words.generation ?? '3c9a808',
      nixpkgs_version: '',
      pending_command: pending,
      command_pid: pid,
      metrics: null,
      update_status: {
        git: none,
        lock: { status: 'ok', message: 'Updated today', ...lock },
        system: words.system ?? none,
        tests: words.tests ?? none,
      },
      source_commit: '2c4ef43',
      store_path: storePath,
      binary_hash: binaryHash,
      lock_hash: '4754b7b13059879a37769526cb93ebd382f47c9a4579f0c6a34e49082e0be904',
      command_id: null,
    },
  };
}

function status(word: string, command: string, exitCode: number, message = '', generation = '3c9a808') {
  return {
    type: 'status',
    payload: {
      status: word,
      command,
      exit_code: exitCode,
      message,
      generation,
      command_id: null,
      restarting: false,
      last_seq: null,
    },
  };
}

const progress = (phase: string, current: number, total: number, word: string) => ({
  type: 'operation_progress',
  payload: { progress: { [phase]: { current, total, status: word } } },
});

const passed = { status: 'ok', message: 'All tests passed', checked_at: at('17:14:32') };
const unreadable = {
  status: 'error',
  message: 'Cannot read current system: lstat /run/current-system: no such file or directory',
  checked_at: at('17:14:39'),
};
const afterRollback = {
  system: { status: 'ok', message: 'Rollback successful (exit 0)', checked_at: at('17:14:52') },
  tests: {
    status: 'outdated',
    message: 'Tests not run — run Test to verify system after rollback',
    checked_at: at('17:14:52'),
  },
};
const untested = (time: string) => ({
  status: 'outdated',
  message: 'Tests not run — run Test to verify system',
  checked_at: at(time),
});

/** What each line is parsed to, in the same order. */
export const RECORDED_FRAMES = [
  {
    type: 'register',
    payload: {
      hostname: 'h1',
      host_type: 'nixos',
      agent_version: '3.1.5',
      os_version: '12',
      nixpkgs_version: '',
      generation: '3c9a808',
      theme_color: '',
      heartbeat_interval: 5,
      hosts_dashboard: false,
      location: 'home',
      device_type: 'desktop',
      repo_url: 'https://git.example.com/ops/nixcfg.git',
      repo_dir: '/var/lib/nixfleet-agent/repo',
      source_commit: '2c4ef43',
      store_path: storePath,
      binary_hash: binaryHash,
      protocol: 2,
      instance: '',
      running: null,
      finished: [],
      capabilities: null,
    },
  },
  beat('', null, { status: 'unknown', message: 'flake.lock not found', checked_at: at('17:13:53') }),
  progress('pull', 0, 4, 'in_progress'),
  { type: 'output', payload: { line: 'From https://git.example.com/ops/nixcfg.git', stream: 'stderr' } },
  { type: 'output', payload: { line: 'HEAD is now at 3c9a808 init', stream: 'stdout' } },
  progress('pull', 4, 4, 'complete'),
  status('ok', 'pull', 0),
  progress('tests', 0, 8, 'in_progress'),
  progress('tests', 8, 8, 'complete'),
  status('ok', 'test', 0),
  beat('test', 7956, { checked_at: at('17:14:27') }, { tests: passed }),
  beat('', null, { checked_at: at('17:14:27') }, { tests: passed }),
  status('ok', 'refresh-git', 0, 'git status check is dashboard-side'),
  status('ok', 'refresh-lock', 0, 'ok'),
  status('ok', 'refresh-system', 0, 'error'),
  status('ok', 'refresh-all', 0, 'all refreshed'),
  beat('', null, { checked_at: at('17:14:43') }, { system: unreadable, tests: passed }),
  status('ok', 'update', 0),
  beat('update', 8307, { checked_at: at('17:14:43') }, { system: unreadable, tests: passed }),
  status('warning', 'check-version', 0, 'mismatch: running=3.1.5 installed=9.9.9'),
  status('ok', 'rollback', 0),
  beat('rollback', 8409, { checked_at: at('17:14:43') }, afterRollback),
  beat('', null, { checked_at: at('17:14:43') }, afterRollback),
  status('error', 'bump-flake', 1, 'unknown command'),
  status('error', 'kill', 1, 'unknown command'),
  status('error', 'force-rebuild', 1, 'unknown command'),
  status('error', 'stop', 1, 'no command running'),
  progress('system', 0, 3, 'in_progress'),
  progress('system', 3, 3, 'complete'),
  status('ok', 'switch', 0),
  beat(
    'switch',
    8666,
    { checked_at: at('17:15:05') },
    {
      system: { status: 'ok', message: 'Switch successful (exit 0)', checked_at: at('17:15:05') },
      tests: untested('17:15:05'),
    },
  ),
  beat(
    'pull-switch',
    8804,
    { checked_at: at('17:15:12') },
    { system: { status: 'working', message: 'Switch in progress...', checked_at: at('17:15:12') } },
  ),
  status('ok', 'pull-switch', 0),
  beat(
    'pull-switch',
    8804,
    { checked_at: at('17:15:14') },
    {
      system: { status: 'ok', message: 'Pull+Switch successful (exit 0)', checked_at: at('17:15:14') },
      tests: untested('17:15:14'),
    },
  ),
  beat('force-update', 8918, { checked_at: at('17:15:18') }),
  status('ok', 'force-update', 0, 'force update complete'),
  {
    type: 'command_rejected',
    payload: {
      reason: 'command already running',
      current_command: 'test',
      command_id: null,
      current_command_id: null,
    },
  },
  beat(
    'test',
    9931,
    { checked_at: at('17:16:05') },
    {
      generation: '6f27b9a',
      tests: { status: 'working', message: 'Tests running...', checked_at: at('17:16:07') },
    },
  ),
  status('stopped', 'test', 130, 'terminated by user', '6f27b9a'),
];
