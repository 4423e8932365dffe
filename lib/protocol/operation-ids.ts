/** The ids of all operations. `lib/fleet/operations/operations.ts` defines what each one does. */
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
