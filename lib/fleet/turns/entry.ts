/** One host in memory. */
import type { HostView } from '@/lib/protocol/live';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import type { Connection } from './connection';

/** One host: what is stored of it, and what is known while the dashboard runs. */
export interface HostEntry {
  record: HostRecord;
  connection: Connection | null;
  active: CommandRecord | null;
  control: CommandRecord | null;
  /** What the dashboard itself is doing about it. */
  dashboardCommand: CommandRecord | null;
  /** Commands that wait for it to come back, oldest first. */
  queue: readonly CommandRecord[];
  last: CommandRecord | null;
  /** As it was published last. */
  view: HostView | null;
  notice: string;
  sampledAt: number;
  /** The process of protocol 3 that spoke for it last. */
  instance: string;
  /** How often it came since `since`, for the limit on events about that. */
  comings: { since: number; count: number };
  /** A version-1 agent speaks for it, and counts as there until this time; 0 while none does. */
  polledUntil: number;
  /** Output without an id that comes until then (`LoopTime`) still belongs to `last`. */
  lateOutputUntil: number;
  /** Connections in a row that did not last (`STEADY_MS`). */
  shortStays: number;
}
