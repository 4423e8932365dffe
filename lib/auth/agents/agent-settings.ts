/** The rules for agents. Those set by the environment are fixed; the others are set in the interface and stored. */
import { z } from 'zod';
import type { SettingsStore } from './agent-ports';
import type { WallClock } from '../operator/auth-ports';
import type { WorkQueue } from '@/lib/limits/work-queue';

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
  setRule(name: AgentRuleName, value: boolean): Promise<boolean>;
  isRefused(hostName: string): boolean;
  setRefused(hostName: string, refused: boolean): Promise<void>;
}

/** The stored value; null when there is none or it no longer matches the schema. */
async function readSetting<T>(store: SettingsStore, key: string, schema: z.ZodType<T>): Promise<T | null> {
  return schema.safeParse(await store.get(key)).data ?? null;
}

/** Reads the stored rules once: only this process writes them. `writes` runs the changes in order. */
export async function loadAgentSettings(
  store: SettingsStore,
  now: WallClock,
  environment: Readonly<Record<AgentRuleName, boolean | null>>,
  writes: WorkQueue,
): Promise<AgentSettings> {
  const keys: Record<AgentRuleName, string> = { sharedToken: SHARED_KEY, approval: APPROVAL_KEY };
  const defaults: Record<AgentRuleName, boolean> = { sharedToken: true, approval: false };
  const stored: Record<AgentRuleName, boolean | null> = {
    sharedToken: await readSetting(store, SHARED_KEY, z.boolean()),
    approval: await readSetting(store, APPROVAL_KEY, z.boolean()),
  };
  let refused = new Set(await readSetting(store, REFUSED_KEY, z.array(z.string())));

  return {
    rule(name) {
      const fixed = environment[name];
      if (fixed !== null) return { value: fixed, source: 'environment' };
      const storedValue = stored[name];
      return storedValue === null
        ? { value: defaults[name], source: 'default' }
        : { value: storedValue, source: 'set here' };
    },
    setRule: (name, value) =>
      writes.run(async () => {
        if (environment[name] !== null) return false;
        await store.set(keys[name], value, now());
        stored[name] = value;
        return true;
      }),
    isRefused: (hostName) => refused.has(hostName),
    setRefused: (hostName, isRefused) =>
      writes.run(async () => {
        if (refused.has(hostName) === isRefused) return;
        const next = [...refused].filter((name) => name !== hostName);
        if (isRefused) next.push(hostName);
        const kept = next.slice(-MAX_REFUSED);
        await store.set(REFUSED_KEY, kept, now());
        refused = new Set(kept);
      }),
  };
}
