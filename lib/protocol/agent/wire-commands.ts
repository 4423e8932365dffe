/** Every command name on the wire. The Go agent knows all but `boot` and `switch-generation`. No other name is sent. */
export const WIRE_COMMANDS = [
  'pull',
  'switch',
  'pull-switch',
  'test',
  'rollback',
  'update',
  'refresh-git',
  'refresh-lock',
  'refresh-system',
  'refresh-all',
  'force-update',
  'check-version',
  'boot',
  'switch-generation',
  'stop',
  'restart',
  'reboot',
] as const;
export type WireCommand = (typeof WIRE_COMMANDS)[number];
