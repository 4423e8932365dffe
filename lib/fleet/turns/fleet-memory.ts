/** Hosts and their commands in memory, with the names that agents claim. Only turns change it. */
import { OPERATIONS } from '../operations/operations';
import { isDoneByHost, laneOf } from '../operations/operation-rules';
import { wireName } from '../operations/wire';
import { HostViewer } from '../hosts/host-views';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import type { HostEntry } from './entry';
import type { FleetOptions } from './fleet-options';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** How long output that arrives after the end of its command still belongs to it. */
export const LATE_OUTPUT_MS = 30_000;

/** It was withdrawn before it reached the host, so it is not the host's last command. */
const wasWithdrawn = ({ outcome }: CommandRecord) => outcome === 'cancelled' || outcome === 'superseded';

export class FleetMemory {
  readonly entries = new Map<string, HostEntry>();
  private readonly commands = new Map<string, CommandRecord>();
  /** Names that a host has or had, and those that several stored hosts share: agents can't create a second one. */
  private readonly names = new Set<string>();
  private readonly sharedNames = new Set<string>();
  private readonly viewer: HostViewer;

  constructor(private readonly options: Pick<FleetOptions, 'clock' | 'loop' | 'desired' | 'version'>) {
    this.viewer = new HostViewer(options.desired, options.version);
  }

  addEntry(record: HostRecord): void {
    if (this.names.has(record.name)) this.sharedNames.add(record.name);
    this.names.add(record.name);
    this.entries.set(record.id, {
      record,
      connection: null,
      active: null,
      control: null,
      dashboardCommand: null,
      queue: [],
      last: null,
      view: null,
      notice: '',
      sampledAt: record.metricsAt ?? 0,
      instance: '',
      connects: { since: 0, count: 0 },
      shortConnections: 0,
      polledUntil: 0,
      lateOutputUntil: -Infinity,
    });
  }

  /** Removes a deleted host. Returns the ids of its commands, and of the hosts that shared its name. */
  dropEntry(id: string): { commandIds: string[]; namesakes: string[] } {
    const name = this.entries.get(id)?.record.name ?? '';
    this.entries.delete(id);
    const commandIds = [...this.commands.values()].flatMap((command) => (command.hostId === id ? [command.id] : []));
    for (const commandId of commandIds) this.commands.delete(commandId);
    // The remaining host may now be the only one with this name.
    const namesakes = this.sharedNames.has(name)
      ? [...this.entries.values()].flatMap(({ record }) => (record.name === name ? [record.id] : []))
      : [];
    return { commandIds, namesakes };
  }

  /** An id for a new host: its name, unless an adopted host with another name has that id. */
  freshHostId(name: string): string {
    let id = name;
    for (let n = 2; this.entries.has(id); n += 1) id = `${name}.${n}`;
    return id;
  }

  /** Places a stored command in its lane, in the queue, or as the host's last command. */
  place(command: CommandRecord): void {
    const entry = this.entries.get(command.hostId);
    if (!entry) return;
    const operation = OPERATIONS[command.operation];
    const slot = laneOf(operation);
    if (entry.queue.some((waiting) => waiting.id === command.id)) {
      entry.queue = entry.queue.filter((waiting) => waiting.id !== command.id);
    }
    if (command.state.phase === 'queued') {
      entry.queue = [...entry.queue, command].sort((a, b) => a.createdAt - b.createdAt);
      this.commands.set(command.id, command);
      return;
    }
    if (command.outcome === null) {
      entry[slot] = command;
      this.commands.set(command.id, command);
      return;
    }
    if (entry[slot]?.id === command.id) entry[slot] = null;
    const isNewer = !entry.last || entry.last.id === command.id || (entry.last.endedAt ?? 0) <= (command.endedAt ?? 0);
    if (!isNewer || !isDoneByHost(operation) || wasWithdrawn(command)) {
      this.commands.delete(command.id);
      return;
    }
    if (entry.last && entry.last.id !== command.id) this.commands.delete(entry.last.id);
    entry.last = command;
    const agoMs = Math.max(0, this.options.clock.now() - (command.endedAt ?? 0));
    entry.lateOutputUntil = this.options.loop.now() + LATE_OUTPUT_MS - agoMs;
    this.commands.set(command.id, command);
  }

  /** A command that has not ended, or was the last to end on its host. */
  liveCommand(id: string): CommandRecord | null {
    return this.commands.get(id) ?? null;
  }

  /** Whether a host has this name. Fast for a name that no host ever had. */
  knowsName(name: string): boolean {
    return this.names.has(name) && this.byName(name) !== null;
  }

  /**
   * The host that an agent with this name speaks for. If several have the name (an adopted database may hold them): the one
   * whose id it is, in either case, else the one seen last.
   */
  byName(name: string): HostEntry | null {
    const byId = this.entries.get(name);
    if (byId?.record.name === name) return byId;
    if (!this.names.has(name)) return null;
    const seenAt = (entry: HostEntry) => this.current(entry).lastSeenAt ?? 0;
    let best: HostEntry | null = null;
    for (const entry of this.entries.values()) {
      const { record } = entry;
      if (record.name !== name) continue;
      if (record.id.toLowerCase() === name) return entry;
      if (!best || seenAt(entry) > seenAt(best)) best = entry;
    }
    return best;
  }

  /** A host's record with the last sign of life of its connection. */
  current({ record, connection }: HostEntry): HostRecord {
    if (connection === null || connection.seenAt <= (record.lastSeenAt ?? 0)) return record;
    return { ...record, lastSeenAt: connection.seenAt };
  }

  viewOf(entry: HostEntry): HostView {
    const { connection, active, control, dashboardCommand, queue, last } = entry;
    const record = this.current(entry);
    const notice = [entry.notice, this.namesakeNotice(record)].filter((text) => text !== '').join(' ');
    const pending = connection?.state.pending ?? '';
    const accounted = [active, control].some((command) => command && wireName(command) === pending);
    const foreignCommand = accounted ? '' : pending;
    const online = connection !== null || entry.polledUntil > 0;
    const parts = { record, online, active, control, dashboardCommand, queue, last, foreignCommand, notice };
    return this.viewer.view(entry, parts);
  }

  /** The notice for a host whose name other hosts have as well; empty for any other host. */
  private namesakeNotice({ id, name }: HostRecord): string {
    if (!this.sharedNames.has(name)) return '';
    const others = [...this.entries.values()].flatMap(({ record }) =>
      record.name === name && record.id !== id ? [record.id] : [],
    );
    const claimed = this.byName(name)?.record.id ?? id;
    if (others.length === 0) return '';
    const whose =
      claimed === id
        ? 'The agent is assigned to this host'
        : `The agent is assigned to the host with the id ${claimed}`;
    const who = others.length === 1 ? 'Another host has' : `${others.length} other hosts have`;
    return `${who} the name ${name} (id ${others.join(', ')}). ${whose}. Remove the hosts you do not need.`;
  }
}
