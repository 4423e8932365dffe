/** Everything that can be done, by the name that code, pages and API use. Defined in `lib/fleet/operations/operations.ts`. */
export const OPERATION_IDS = [
  'pull',
  'switch',
  'pull-switch',
  'test',
  'rollback',
  'update',
  'stop',
  'kill',
  'restart',
  'reboot',
  'check-version',
  'refresh-git',
  'refresh-lock',
  'refresh-system',
  'refresh-all',
  'force-update',
  'merge-pr',
  'set-color',
  'remove-host',
  'add-host',
] as const;
export type OperationId = (typeof OPERATION_IDS)[number];
