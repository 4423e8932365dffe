/** The rules for agents. Those set by the environment are fixed; the others are set in the interface and stored. */
import { z } from 'zod';
import type { SettingsPort } from './agent-ports';
import type { WallClock } from '../operator/auth-ports';

/** Most refused host names that are stored; the oldest is removed first. */
const MAX_REFUSED = 256;
const SHARED_KEY = 'agents.shared-token-allowed';
const APPROVAL_KEY = 'agents.new-hosts-wait';
const REFUSED_KEY = 'agents.refused-hosts';

export interface AgentRule {
  value: boolean;
  source: 'environment' | 'set here' | 'default';
}

export type AgentRuleName = 'sharedToken' | 'approval';

export interface AgentSettings {
  /** `sharedToken`: whether it is accepted. `approval`: whether unknown hosts wait for approval. */
  rule(name: AgentRuleName): AgentRule;
  /** False, with nothing changed, when the environment sets it. */
  setRule(name: AgentRuleName, value: boolean): boolean;
  isRefused(hostName: string): boolean;
  setRefused(hostName: string, refused: boolean): void;
}

/** Reads the stored rules once: only this process writes them. */
export function createAgentSettings(
  store: SettingsPort,
  now: WallClock,
  environment: Readonly<Record<AgentRuleName, boolean | null>>,
): AgentSettings {
  const keys: Record<AgentRuleName, string> = { sharedToken: SHARED_KEY, approval: APPROVAL_KEY };
  const defaults: Record<AgentRuleName, boolean> = { sharedToken: true, approval: false };
  const stored: Record<AgentRuleName, boolean | null> = {
    sharedToken: store.get(SHARED_KEY, z.boolean()),
    approval: store.get(APPROVAL_KEY, z.boolean()),
  };
  let refused = new Set(store.get(REFUSED_KEY, z.array(z.string())) ?? []);

  return {
    rule(name) {
      const fixed = environment[name];
      if (fixed !== null) return { value: fixed, source: 'environment' };
      const storedValue = stored[name];
      return storedValue === null
        ? { value: defaults[name], source: 'default' }
        : { value: storedValue, source: 'set here' };
    },
    setRule(name, value) {
      if (environment[name] !== null) return false;
      store.set(keys[name], value, now());
      stored[name] = value;
      return true;
    },
    isRefused: (hostName) => refused.has(hostName),
    setRefused(hostName, isRefused) {
      if (refused.has(hostName) === isRefused) return;
      const next = [...refused].filter((name) => name !== hostName);
      if (isRefused) next.push(hostName);
      const kept = next.slice(-MAX_REFUSED);
      store.set(REFUSED_KEY, kept, now());
      refused = new Set(kept);
    },
  };
}
