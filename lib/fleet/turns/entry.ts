/** A host in the fleet's memory. */
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import type { AdmittedConnection } from './connection';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** One host: its stored record, and its state while the dashboard runs. */
export interface HostEntry {
  record: HostRecord;
  /** The admitted connection that speaks for it. */
  connection: AdmittedConnection | null;
  active: CommandRecord | null;
  control: CommandRecord | null;
  /** The dashboard operation that is running on it. */
  dashboardCommand: CommandRecord | null;
  /** Commands queued until it is online, oldest first. */
  queue: readonly CommandRecord[];
  last: CommandRecord | null;
  /** The last published view. */
  view: HostView | null;
  notice: string;
  sampledAt: number;
  /** The last agent process of protocol 3 that spoke for it. */
  instance: string;
  /** How often it connected since `since`, for the limit on connect events. */
  connects: { since: number; count: number };
  /** A version-1 agent speaks for it and counts as online until this time; 0 while none does. */
  polledUntil: number;
  /** Output without an id still belongs to `last` until this time (`LoopTime`). */
  lateOutputUntil: number;
  /** Connections in a row that were shorter than `STABLE_AFTER_MS`. */
  shortConnections: number;
}
