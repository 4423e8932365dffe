import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import { CLOSED_LISTS, missingCapabilities, unnamedAgent } from './agent-capabilities';

const all = [...CAPABILITIES];

describe('unnamedAgent', () => {
  it.each([
    [0, null],
    [1, 'version-1'],
    [2, 'go'],
    [3, '4.0.0'],
    [9, '4.0.0'],
  ])('protocol %i: %s', (protocol, expected) => {
    expect(unnamedAgent(protocol)).toBe(expected);
  });
});

describe('the closed lists', () => {
  // Written out: these agents are released, so no new capability may appear here.
  const released =
    'pull switch pull-switch test rollback update force-update stop kill restart reboot check-version refresh';

  it.each([
    ['version-1', 'pull-switch'],
    ['go', released],
    ['4.0.0', released],
  ] as const)('%s', (agent, names) => {
    expect([...CLOSED_LISTS[agent]].sort()).toEqual(names.split(' ').sort());
  });
});

describe('missingCapabilities', () => {
  it.each([
    ['of a version-1 agent: all but pull-switch', 1, null, all.filter((one) => one !== 'pull-switch')],
    [
      'of an agent that names some: the others',
      3,
      ['pull', 'switch', 'later'],
      all.filter((one) => one !== 'pull' && one !== 'switch'),
    ],
    ['of an agent that names an empty list: all', 3, [], all],
    ['of an agent that names all: none', 3, all, []],
    ['of a Go agent that names some: the others', 2, all.slice(1), all.slice(0, 1)],
    ['of a host whose agent never connected: none', 0, null, []],
  ])('%s', (_title, protocol, capabilities, expected) => {
    expect(missingCapabilities({ protocol, capabilities })).toEqual(expected);
  });
});
