import type { OutputLine } from './views/output-line';
import type { FleetView } from './views/fleet-view';
import type { FleetChanges } from './changes';

export type LiveServerMessage =
  | { t: 'hello'; buildId: string; serverTime: number; demo: boolean }
  | { t: 'snapshot'; fleet: FleetView }
  | ({ t: 'changes' } & FleetChanges)
  /** Lines of a command that this browser watches; `done` after the last line of an ended command. */
  | { t: 'output'; commandId: string; lines: OutputLine[]; done?: true }
  /** The command or its output is not there (any more). */
  | { t: 'no-output'; commandId: string; reason: string }
  | { t: 'pong'; serverTime: number }
  /** The server is about to restart: reconnect soon. */
  | { t: 'goodbye'; reason: string };
