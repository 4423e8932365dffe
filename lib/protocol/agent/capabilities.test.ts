import { expect, it } from 'vitest';
import { AGENT_CAPABILITIES, CAPABILITIES, ROOT_HELPER_CAPABILITIES } from './capabilities';
import { MAX_NAMES } from './frame-limits';
import { parseAgentFrame } from './parse-agent-frame';

it('accepts every capability that the agent names', () => {
  const payload = { hostname: 'h1', capabilities: AGENT_CAPABILITIES };
  expect(parseAgentFrame(JSON.stringify({ type: 'register', payload }))).toMatchObject({ frame: { payload } });
  expect(CAPABILITIES.length).toBeLessThanOrEqual(MAX_NAMES);
});

it('this project’s agent has every capability on every host, except what depends on the host', () => {
  expect([...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES].sort()).toEqual([...CAPABILITIES].sort());
});
