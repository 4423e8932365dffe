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

/** What this project's agent names in `register`: it runs every command. */
export const AGENT_CAPABILITIES: readonly Capability[] = [...new Set(Object.values(COMMAND_CAPABILITIES))];
