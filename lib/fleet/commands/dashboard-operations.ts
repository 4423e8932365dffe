/** Where the dashboard's own operations are done: colours, adding a host, removing one. */
import type { CommandEngine } from './command-engine';
import type { FleetCore } from '../turns/fleet-core';
import { newCommand } from './dispatch';
import * as events from '../events';
import { hostNameOf, newHost, unpinnedColor } from '../hosts/host';
import { colorOf } from '../operations/dashboard-args';
import type { Turn } from '../turns/turn';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import type { AddHostRequest, DispatchResult } from '../records/requests';
import type { DashboardOperationEnd } from '../records/executor-port';
import { MAX_HOSTS } from '../records/limits';
import type { HostEntry } from '../turns/entry';

/** Rows of a host that is removed go in steps of so many, so that no socket waits for them. */
const REMOVAL_STEP_ROWS = 500;
/** Characters of a name that was refused, in its event. */
const MAX_SHOWN_NAME = 80;
/** Between two such steps. */
const REMOVAL_PAUSE_MS = 20;

export class DashboardOperations {
  private readonly running = new Map<string, AbortController>();

  /** `onRemovalEnd` is called when a host of this name is gone, or stays after all. */
  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
    private readonly onRemovalEnd: (name: string) => void,
  ) {
    engine.runDashboardOperation = (command) => this.carryOut(command);
  }

  /** Takes a new command into the turn: what is the fleet's own is done with it, the rest after the commit. */
  begin(turn: Turn, entry: HostEntry, command: CommandRecord): void {
    const { record } = entry;
    this.engine.markSent(turn, command, record);
    this.engine.feed(turn, command, { type: 'activity' });
    if (command.operation === 'set-color') {
      this.setColor(turn, entry, command);
      if (!this.core.options.executors?.['set-color']) {
        this.engine.feed(turn, command, { type: 'done', ending: { ...colorSet(record, command), exitCode: null } });
        return;
      }
    }
    if (command.operation === 'remove-host') {
      for (const other of [entry.active, entry.control, ...entry.queue]) {
        if (other) this.engine.feed(turn, other, { type: 'host-removed' });
      }
    }
    turn.effects.push(() => this.carryOut(command));
  }

  addHost(request: AddHostRequest): DispatchResult {
    const name = hostNameOf(request.name);
    if (name === null) {
      const reason = 'This is no host name: letters, digits and hyphens, at most 63.';
      return this.refuse(request, 'bad-name', reason);
    }
    const known = this.core.byName(name);
    if (known) {
      const repeated = this.core.options.store.commandByRequest(request.requestId, known.record.id);
      if (repeated) return { kind: 'accepted', hostId: known.record.id, hostName: name, commandId: repeated.id };
      return this.refuse(request, 'known', `${name} is known already.`);
    }
    if (this.core.entries.size >= MAX_HOSTS) {
      const reason = `The fleet has ${MAX_HOSTS} hosts already, which is as many as there can be.`;
      return this.refuse(request, 'full', reason);
    }
    const id = this.core.freshHostId(name);
    const commandId = this.core.options.newId();
    const refused = this.core.run('drop', (turn) => {
      const fresh = newHost(id, name, turn.now);
      const host: HostRecord = {
        ...fresh,
        type: request.type,
        location: request.location || fresh.location,
        deviceType: request.deviceType || fresh.deviceType,
        themeColor: request.color ?? unpinnedColor('', request.type, fresh.themeColor),
        themeColorPinned: request.color !== null,
      };
      this.core.putHost(turn, host, host, true);
      turn.commands.set(commandId, addedCommand(commandId, host, request, turn.now));
      turn.events.push(events.hostAdded(host, turn.now, request.by));
      // An agent of that name may be waiting: for room, or for its approval.
      turn.effects.push(() => this.onRemovalEnd(name));
    });
    if (refused !== null) return { kind: 'not-stored', hostId: id, hostName: name, reason: refused };
    return { kind: 'accepted', hostId: id, hostName: name, commandId };
  }

  /** The dashboard stops: what goes on outside is told so. */
  stop(): void {
    for (const controller of this.running.values()) controller.abort();
  }

  private refuse({ name, by }: AddHostRequest, code: string, reason: string): DispatchResult {
    const what = `Adding the host ${JSON.stringify(name.slice(0, MAX_SHOWN_NAME))}`;
    this.core.run('drop', (turn) => turn.events.push(events.refusedWithoutHost(what, reason, turn.now, by)));
    const blocked = { code, reason, unblock: null, forceable: false };
    return { kind: 'blocked', hostId: '', hostName: name, blocked };
  }

  private setColor(turn: Turn, entry: HostEntry, command: CommandRecord): void {
    const { record, connection } = entry;
    const color = colorOf(command.args);
    const themeColor = color ?? unpinnedColor(connection?.register?.theme_color ?? '', record.type, record.themeColor);
    this.core.putHost(turn, record, { ...record, themeColor, themeColorPinned: color !== null });
  }

  /** Does what lies outside of the fleet's memory: once, or again after a restart where that does no harm. */
  private carryOut(command: CommandRecord): void {
    if (command.operation === 'remove-host') this.removeSome(command);
    else void this.execute(command);
  }

  private async execute(command: CommandRecord): Promise<void> {
    const executor = this.core.options.executors?.[command.operation];
    const entry = this.core.entries.get(command.hostId);
    if (!executor || !entry) return;
    const controller = new AbortController();
    this.running.set(command.id, controller);
    const { id, name } = entry.record;
    const { userId, userName, address } = command;
    const end = await executor({
      commandId: command.id,
      host: { id, name },
      args: command.args ?? {},
      by: { userId, userName, address },
      note: (text) => this.note(command, text),
      signal: controller.signal,
    }).catch((error: unknown): DashboardOperationEnd => {
      this.core.options.log.error({ err: error, commandId: command.id }, 'an operation of the dashboard failed');
      return { outcome: 'failed', reason: 'It failed for a reason that the dashboard’s log tells.' };
    });
    this.running.delete(command.id);
    this.end(command, command.operation === 'set-color' ? afterColor(end) : end);
  }

  /** A command that ran out of its time: what is still going on for it should end. */
  abandon(commandId: string): void {
    this.running.get(commandId)?.abort();
  }

  private note(command: CommandRecord, text: string): void {
    this.core.outputLog.append(command, this.core.options.clock.now(), 'note', text, null);
    this.core.armFlush();
  }

  private end(command: CommandRecord, end: DashboardOperationEnd): void {
    this.core.run('retry', (turn) => {
      this.engine.feed(turn, command, { type: 'done', ending: { ...end, exitCode: null } });
    });
  }

  private removeSome(command: CommandRecord): void {
    const entry = this.core.entries.get(command.hostId);
    // Ended meanwhile, by its time-out.
    if (!entry || entry.dashboardCommand?.id !== command.id) return;
    try {
      if (this.core.options.store.forgetSome(command.hostId, REMOVAL_STEP_ROWS) >= REMOVAL_STEP_ROWS) {
        this.core.options.clock.after(REMOVAL_PAUSE_MS, () => this.removeSome(command));
        return;
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const reason = `The database refused: ${why} A part of what was known of the host is gone; remove it again.`;
      this.end(command, { outcome: 'failed', reason });
      this.onRemovalEnd(entry.record.name);
      return;
    }
    const { userId, userName, address } = command;
    this.core.run('retry', (turn) => {
      turn.removed.push(command.hostId);
      turn.events.push(events.hostRemoved(entry.record, command.id, turn.now, { userId, userName, address }));
      turn.effects.push(() => this.onRemovalEnd(entry.record.name));
    });
  }
}

function addedCommand(id: string, host: HostRecord, request: AddHostRequest, now: number): CommandRecord {
  const ending = { outcome: 'succeeded', reason: `${host.name} was added.`, exitCode: null } as const;
  return {
    ...newCommand({ ...request, operation: 'add-host' }, host.id, id, now),
    state: { phase: 'ended', at: now, ...ending },
    ...ending,
    startedAt: now,
    endedAt: now,
  };
}

function colorSet(record: HostRecord, command: CommandRecord): DashboardOperationEnd {
  const color = colorOf(command.args);
  if (color === null) return { outcome: 'succeeded', reason: 'Its colour is its agent’s affair again.' };
  const same = record.themeColorPinned && record.themeColor === color;
  return same
    ? { outcome: 'unchanged', reason: `Its colour was ${color} already.` }
    : { outcome: 'succeeded', reason: `Its colour is ${color} now.` };
}

/** The colour is set on the dashboard before it is written anywhere else: what follows can fail in part alone. */
function afterColor(end: DashboardOperationEnd): DashboardOperationEnd {
  if (end.outcome !== 'failed') return end;
  return { outcome: 'partial', reason: `The colour is set on the dashboard alone. ${end.reason}` };
}
