import { expect, it } from 'vitest';
import { isLoopback, readArguments, type ArgumentSources } from './arguments';

const around: ArgumentSources = {
  tokenFromEnvironment: undefined,
  tokenFile: 'data/secrets/agent-token',
  readTokenFile: () => 'from-the-file\n',
};

function settingsOf(argv: string[], surroundings = around) {
  const parsed = readArguments(argv, surroundings);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.settings;
}

function problemsOf(argv: string[], surroundings = around) {
  const parsed = readArguments(argv, surroundings);
  return parsed.kind === 'problems' ? parsed.problems : [];
}

it('has a default for everything', () => {
  expect(settingsOf([])).toEqual({
    url: 'ws://localhost:8000/ws',
    token: 'from-the-file',
    hosts: 50,
    intervalMs: 5_000,
    protocol: 'mixed',
    seed: 1,
    dialsPerS: 200,
    stormMs: null,
    pullsTo: undefined,
    rollsBack: 0.05,
  });
});

it('takes every option', () => {
  const argv = '--hosts 7 --url ws://127.0.0.1:9/ws --token t --interval 1.5 --protocol 3 --seed 9 --storm 60';
  expect(settingsOf([...argv.split(' '), '--commit', '0123456789abcdef'])).toMatchObject({
    hosts: 7,
    url: 'ws://127.0.0.1:9/ws',
    token: 't',
    intervalMs: 1_500,
    protocol: 3,
    seed: 9,
    stormMs: 60_000,
    pullsTo: '0123456',
  });
});

it('looks for the token in the options, the environment and the file, in this order', () => {
  const both = { ...around, tokenFromEnvironment: 'from-the-environment' };
  expect(settingsOf(['--token', 'given'], both).token).toBe('given');
  expect(settingsOf([], both).token).toBe('from-the-environment');
  expect(settingsOf([], { ...around, tokenFromEnvironment: '' }).token).toBe('from-the-file');
  expect(problemsOf([], { ...around, readTokenFile: () => null })).toEqual([
    expect.stringContaining('data/secrets/agent-token'),
  ]);
});

it('lists all problems at once', () => {
  const problems = problemsOf('--hosts x --interval 0 --protocol 4 --url http://localhost --commit zz'.split(' '));
  expect(problems).toHaveLength(5);
  expect(problemsOf(['--wrong'])).toHaveLength(1);
  expect(problemsOf(['stray'])).toHaveLength(1);
  expect(readArguments(['--help'], around)).toEqual({ kind: 'help' });
});

it.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['[::1]', true],
  ['10.0.0.1', false],
  ['localhost.example.com', false],
  ['127.0.0.1.example.com', false],
  ['fleet.example.com', false],
])('%s is this machine: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
  expect(problemsOf(['--url', `ws://${host}/ws`])).toHaveLength(expected ? 0 : 1);
  expect(problemsOf(['--url', `ws://${host}/ws`, '--yes-remote'])).toEqual([]);
});
