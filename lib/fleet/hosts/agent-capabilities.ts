/** What a host's agent can do: the capabilities that it named in `register`, or a closed list for one that named none. Pure. */
import { CAPABILITIES, type Capability } from '@/lib/protocol/agent/capabilities';
import type { HostRecord } from '../records/host-record';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** Agents that name no capabilities. Nothing is ever added to their lists: a newer agent names what it can do. */
export type UnnamedAgent = 'version-1' | 'go' | '4.0.0';

/** Every command of docs/protocol.md, section 2. */
const FIRST_COMMANDS: readonly Capability[] = [
  'pull',
  'switch',
  'pull-switch',
  'test',
  'rollback',
  'update',
  'force-update',
  'stop',
  'kill',
  'restart',
  'reboot',
  'check-version',
  'refresh',
];

export const CLOSED_LISTS: Readonly<Record<UnnamedAgent, readonly Capability[]>> = {
  /** It polls, and the only command it is given is pull-switch (docs/protocol.md, section 10). */
  'version-1': ['pull-switch'],
  go: FIRST_COMMANDS,
  '4.0.0': FIRST_COMMANDS,
};

/**
 * Which agent it is when it names no capabilities, by its protocol: 1 polls, 2 is the Go agent, and 3 without
 * capabilities is this project's 4.0.0. Its version doesn't count: an unstamped build says "dev". Null: no agent of this
 * host has ever connected.
 */
export function unnamedAgent(protocol: number): UnnamedAgent | null {
  if (protocol <= 0) return null;
  return protocol === 1 ? 'version-1' : protocol === 2 ? 'go' : '4.0.0';
}

/**
 * The capabilities of this dashboard that a host's agent does not have. Empty for a host whose agent is still unknown:
 * nothing can be sent to it, and a queued command is checked again once its agent has registered.
 */
export function missingCapabilities({
  protocol,
  capabilities,
}: Pick<HostRecord, 'protocol' | 'capabilities'>): Capability[] {
  const unnamed = unnamedAgent(protocol);
  const known: readonly string[] | null = capabilities ?? (unnamed && CLOSED_LISTS[unnamed]);
  return known === null ? NONE : missingFrom(known);
}

const NONE: Capability[] = [];
/** By the list itself, which is the same object from one heartbeat of a host to the next. */
const missingByList = new WeakMap<readonly string[], Capability[]>();

function missingFrom(list: readonly string[]): Capability[] {
  const known = missingByList.get(list);
  if (known) return known;
  const missing = CAPABILITIES.filter((capability) => !list.includes(capability));
  missingByList.set(list, missing);
  return missing;
}

/** The facts of a host's agent, from its record, that say whether it supports an operation. */
export function agentFacts(
  record: Pick<HostRecord, 'name' | 'protocol' | 'agentVersion' | 'capabilities'>,
): Pick<HostView, 'name' | 'protocol' | 'agentVersion' | 'missingCapabilities'> {
  const { name, protocol, agentVersion } = record;
  return { name, protocol, agentVersion, missingCapabilities: missingCapabilities(record) };
}
