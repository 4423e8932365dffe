/**
 * What an agent can do beyond keeping its connection. An agent names its capabilities in `register`; an operation says in
 * the table of operations which ones it needs. Names are on the wire: a released one never changes its meaning.
 */
import type { WireCommand } from './wire-commands';

export const CAPABILITIES = [
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
  /** All four commands `refresh-…`. */
  'refresh',
  'activation',
  'boot',
  /** Lists the generations of the system profile (frame `system_generations`), and switches to one by its number. */
  'generations',
  'confirm',
  'policy',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** The capability that a command belongs to. `kill` is the frame `kill_command`. */
export const COMMAND_CAPABILITIES: Readonly<Record<WireCommand | 'kill', Capability>> = {
  pull: 'pull',
  switch: 'switch',
  'pull-switch': 'pull-switch',
  test: 'test',
  rollback: 'rollback',
  update: 'update',
  'force-update': 'force-update',
  boot: 'boot',
  'switch-generation': 'generations',
  stop: 'stop',
  kill: 'kill',
  restart: 'restart',
  reboot: 'reboot',
  'check-version': 'check-version',
  'refresh-git': 'refresh',
  'refresh-lock': 'refresh',
  'refresh-system': 'refresh',
  'refresh-all': 'refresh',
};

/**
 * Names no command: switches and rollbacks are activated by nixfleet-root, so that their result outlives the agent. An
 * agent without it calls nixos-rebuild.
 */
export const ACTIVATION: Capability = 'activation';

/** Names no command: the agent takes a switch back unless it is confirmed. */
export const CONFIRM: Capability = 'confirm';

/** Names no command: the agent follows the policy of its host, and reports it (frame `host_policy`). */
export const POLICY: Capability = 'policy';

/** What an agent can do on hosts with nixfleet-root alone. */
export const ROOT_HELPER_CAPABILITIES: readonly Capability[] = [ACTIVATION, 'boot', 'generations', CONFIRM];

/** What this project's agent names in `register` on every host. */
export const AGENT_CAPABILITIES: readonly Capability[] = [
  ...[...new Set(Object.values(COMMAND_CAPABILITIES))].filter(
    (capability) => !ROOT_HELPER_CAPABILITIES.includes(capability),
  ),
  POLICY,
];
