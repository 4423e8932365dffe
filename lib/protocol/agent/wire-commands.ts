/** Every command name that the Go agent knows, as on the wire. No other name is sent. */
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
  'stop',
  'restart',
  'reboot',
] as const;
export type WireCommand = (typeof WIRE_COMMANDS)[number];
