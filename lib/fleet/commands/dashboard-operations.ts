/** Carries out dashboard operations: setting a colour, adding a host, removing one. */
import type { CommandEngine } from './command-engine';
import type { FleetCore } from '../turns/fleet-core';
import { newCommand } from './dispatch';
import * as events from '../events';
import { KeyedQueue } from '@/lib/limits/work-queue';
import { newHost, unpinnedColor } from '../hosts/host';
import { hostNameOf } from '@/lib/protocol/agent/host-name';
import { colorOf } from '../operations/operation-args';
import type { Turn } from '../turns/turn';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import type { AddHostRequest, DispatchResult } from '../records/requests';
import type { DashboardOperationEnd } from '../records/executor-port';
import { MAX_HOSTS } from '../records/limits';
import type { HostEntry } from '../turns/entry';

/** Rows of a removed host are deleted this many at a time, so that sockets do not wait for it. */
const REMOVAL_STEP_ROWS = 500;
/** Characters of a refused name that its event shows. */
const MAX_SHOWN_NAME = 80;
/** The pause between two deletion steps. */
const REMOVAL_PAUSE_MS = 20;

export class DashboardOperations {
  private readonly running = new Map<string, AbortController>();
  private readonly requests = new KeyedQueue();

  /** `claimAgain` decides again about agents that are held for a name: its host was added, or its removal has ended. */
  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
    private readonly claimAgain: (name: string) => void,
  ) {}

  /** Adds a new command to the turn: the change in the fleet is part of the turn, the rest follows after the commit. */
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

  /** A repeated request adds nothing: its answer names the first command. */
  addHost(request: AddHostRequest): Promise<DispatchResult> {
    return this.requests.run(request.requestId, () => this.addHostOnce(request));
  }

  private async addHostOnce(request: AddHostRequest): Promise<DispatchResult> {
    const name = hostNameOf(request.name);
    if (name === null) {
      const reason = 'This is not a valid host name: use letters, digits and hyphens, at most 63 characters.';
      return this.refuse(request, 'bad-name', reason);
    }
    const known = this.core.memory.byName(name);
    if (known) {
      const hostId = known.record.id;
      const [repeated] = await this.core.options.store.commandsByRequest(request.requestId, [hostId]);
      if (repeated) return { kind: 'accepted', hostId, hostName: name, commandId: repeated.id };
      return this.refuse(request, 'known', `${name} already exists.`);
    }
    const problems: [code: string, reason: string][] = [];
    let id = '';
    const commandId = this.core.options.newId();
    const refused = await this.core.run('drop', (turn) => {
      problems.splice(0, problems.length, ...this.whyNotAdded(name));
      if (problems.length > 0) return;
      id = this.core.memory.freshHostId(name);
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
      // An agent with this name may be held: for room, or for approval.
      turn.effects.push(() => this.claimAgain(name));
    });
    const [problem] = problems;
    if (problem) return this.refuse(request, ...problem);
    if (refused !== null) return { kind: 'not-stored', hostId: id, hostName: name, reason: refused };
    return { kind: 'accepted', hostId: id, hostName: name, commandId };
  }

  private whyNotAdded(name: string): [code: string, reason: string][] {
    if (this.core.memory.byName(name)) return [['known', `${name} already exists.`]];
    if (this.core.memory.entries.size < MAX_HOSTS) return [];
    return [['full', `The fleet already has ${MAX_HOSTS} hosts, which is the maximum.`]];
  }

  /** Aborts running executors because the dashboard stops. */
  stop(): void {
    for (const controller of this.running.values()) controller.abort();
  }

  private async refuse({ name, by }: AddHostRequest, code: string, reason: string): Promise<DispatchResult> {
    const asked = { request: 'add-host', name: name.slice(0, MAX_SHOWN_NAME), code, reason } as const;
    await this.core.run('drop', (turn) => turn.events.push(events.refusedWithoutHost(asked, turn.now, by)));
    const blocked = { code, reason, unblock: null, forceable: false };
    return { kind: 'blocked', hostId: '', hostName: name, blocked };
  }

  private setColor(turn: Turn, entry: HostEntry, command: CommandRecord): void {
    const { record, connection } = entry;
    const color = colorOf(command.args);
    const themeColor =
      color ?? unpinnedColor(connection?.state.registration.register.theme_color ?? '', record.type, record.themeColor);
    this.core.putHost(turn, record, { ...record, themeColor, themeColorPinned: color !== null });
  }

  /** Does the work outside the fleet's memory: once, or again after a restart if the operation may be repeated. */
  carryOut(command: CommandRecord): void {
    const work = command.operation === 'remove-host' ? this.remove(command) : this.execute(command);
    work.catch((error: unknown) => {
      this.core.options.log.error({ err: error, commandId: command.id }, 'a dashboard operation failed');
    });
  }

  private async execute(command: CommandRecord): Promise<void> {
    const executor = this.core.options.executors?.[command.operation];
    const entry = this.core.memory.entries.get(command.hostId);
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
      this.core.options.log.error({ err: error, commandId: command.id }, 'a dashboard operation failed');
      return { outcome: 'failed', reason: 'The reason is in the dashboard’s log.' };
    });
    this.running.delete(command.id);
    await this.end(command, command.operation === 'set-color' ? afterColor(end) : end);
  }

  /** Aborts the executor of a command that timed out. */
  abandon(commandId: string): void {
    this.running.get(commandId)?.abort();
  }

  private note(command: CommandRecord, text: string): void {
    this.core.outputLog.append(command, this.core.options.clock.now(), 'note', text, null);
    this.core.armFlush();
  }

  private async end(command: CommandRecord, end: DashboardOperationEnd): Promise<void> {
    await this.core.runAbout(command.hostId, 'retry', (turn) => {
      this.engine.feed(turn, command, { type: 'done', ending: { ...end, exitCode: null } });
    });
  }

  private async remove(command: CommandRecord): Promise<void> {
    const { hostId } = command;
    const name = this.core.memory.entries.get(hostId)?.record.name ?? '';
    try {
      while (this.isRemoving(command)) {
        if ((await this.core.options.store.forgetSome(hostId, REMOVAL_STEP_ROWS)) < REMOVAL_STEP_ROWS) break;
        await this.pause(REMOVAL_PAUSE_MS);
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const reason = `The database refused the removal: ${why} Part of the host’s data is already deleted; remove the host again.`;
      await this.end(command, { outcome: 'failed', reason });
      this.claimAgain(name);
      return;
    }
    const { userId, userName, address } = command;
    await this.core.runAbout(hostId, 'retry', (turn) => {
      const entry = this.core.memory.entries.get(hostId);
      if (!entry || !this.isRemoving(command)) return;
      turn.removed.push(hostId);
      turn.events.push(events.hostRemoved(entry.record, command.id, turn.now, { userId, userName, address }));
      turn.effects.push(() => this.claimAgain(name));
    });
  }

  /** False once it has timed out. */
  private isRemoving({ id, hostId }: CommandRecord): boolean {
    return this.core.memory.entries.get(hostId)?.dashboardCommand?.id === id;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.core.options.clock.after(ms, resolve));
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
  if (color === null) return { outcome: 'succeeded', reason: 'The agent sets the colour again.' };
  const same = record.themeColorPinned && record.themeColor === color;
  return same
    ? { outcome: 'unchanged', reason: `The colour was already ${color}.` }
    : { outcome: 'succeeded', reason: `The colour is now ${color}.` };
}

/** The colour is set on the dashboard before it is written anywhere else, so a later failure is a partial one. */
function afterColor(end: DashboardOperationEnd): DashboardOperationEnd {
  if (end.outcome !== 'failed') return end;
  return { outcome: 'partial', reason: `The colour was set on the dashboard only. ${end.reason}` };
}
