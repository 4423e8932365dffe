/**
 * Answers version-1 agents. They poll about every half minute, and the only command they are given is pull-switch, on the
 * operator's request, which replaces them with the current agent. A command is stored as sent before it is handed out, so
 * that it is handed out at most once.
 */
import { findCause } from '@/lib/causes/find-cause';
import { plainText } from '@/lib/text/plain-text';
import { countConnect, decideAdmission, type Admission } from './admission-rules';
import type { AgentAdmission } from './agent-admission';
import type { CommandEngine } from '../commands/command-engine';
import type { Ending } from '../commands/command-verdict';
import type { FleetCore } from '../turns/fleet-core';
import * as events from '../events';
import { newHost } from '../hosts/host';
import { afterV1Call, afterV1Register, afterV1Tests } from '../hosts/version-1-host';
import { OncePer } from '@/lib/limits/once-per';
import type { Turn } from '../turns/turn';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import type { EventParams } from '../events/event-table';
import type { HeldWhy } from '../events/held-reasons';
import type { HeldAgent } from '../records/agent-port';
import type { V1Answer, V1Call, V1Inbox } from '../records/version-1-port';
import type { HostEntry } from '../turns/entry';
import type { V1Register, V1Status, V1TestProgress } from '@/lib/protocol/http/v1-agent';

/** A host counts as offline after this many intervals without a poll, and not before the minimum. */
const OFFLINE_AFTER_INTERVALS = 3;
const MIN_OFFLINE_AFTER_MS = 90_000;
/** Calls of one host per minute at most; the fastest agent makes 60, and a few more during tests. */
export const MAX_CALLS_PER_MINUTE = 240;
/** Names whose calls are counted at a time, besides those of known hosts. */
const MAX_COUNTED = 8_192;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Unknown hosts waiting for approval that are remembered between their polls. */
const MAX_WAITING = 256;
/** A waiting host that no longer polls is forgotten after this long. */
const WAITING_MS = 15 * MINUTE_MS;

/** Characters of a report that a reason or an event quotes. */
const MAX_QUOTED = 400;

export class Version1Agents implements V1Inbox {
  private readonly calls = new Map<string, { since: number; count: number }>();
  private readonly waiting = new Map<string, HeldAgent & { calledAt: number }>();
  private readonly reports = new OncePer(MINUTE_MS, 1_000);
  private readonly heldEvents = new OncePer(HOUR_MS, 1_000);

  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
    private readonly admission: AgentAdmission,
  ) {}

  /** Unknown hosts that wait for approval. */
  get polling(): HeldAgent[] {
    return [...this.waiting.values()].filter(({ name }) => !this.core.memory.byName(name));
  }

  register(call: V1Call, body: V1Register): Promise<V1Answer> {
    return this.called(call, body.agent_version, true, (host, now) => afterV1Register(host, body, now));
  }

  poll(call: V1Call): Promise<V1Answer> {
    return this.called(call, '', true, (host, now) => ({ ...afterV1Call(host, now), type: host.type || 'nixos' }));
  }

  status(call: V1Call, body: V1Status): Promise<V1Answer> {
    const changed = (host: HostRecord, now: number) => {
      const generation = body.current_generation === '' ? host.generation : body.current_generation;
      return afterV1Tests({ ...afterV1Call(host, now), generation }, body.test_status, now);
    };
    return this.called(call, '', false, changed, (turn, entry) => this.reported(turn, entry, call, body));
  }

  testProgress(call: V1Call, body: V1TestProgress): Promise<V1Answer> {
    const { running, total, passed, result } = body;
    const words = result === '' || !/^\d+\/\d+ pass/.test(result) ? `${passed}/${total} passed` : result;
    return this.called(call, '', false, (host, now) => {
      const seen = afterV1Call(host, now);
      return running ? seen : afterV1Tests(seen, words, now);
    });
  }

  /** `mayTake`: the agent asks for a command (and may be new) rather than reporting a result. */
  private async called(
    call: V1Call,
    version: string,
    mayTake: boolean,
    change: (host: HostRecord, now: number) => HostRecord,
    also: (turn: Turn, entry: HostEntry) => void = () => undefined,
  ): Promise<V1Answer> {
    const waitMs = this.tooOften(call, this.core.now());
    if (waitMs > 0) return { kind: 'too-often', retryAfterMs: waitMs };
    const idle: V1Answer = { kind: 'ok', hostId: call.id, command: null };
    const known = this.entryFor(call);
    let answer: V1Answer = idle;
    const hostId = known?.record.id ?? this.core.memory.freshHostId(call.id);
    const refused = await this.core.runAbout(hostId, 'drop', (turn) => {
      answer = idle;
      if (!this.core.options.agents.isStillValid(call.identity)) {
        answer = { kind: 'wrong-token' };
        return;
      }
      const entry = this.entryFor(call);
      const admission = this.decide(call, entry);
      if (admission.kind === 'hold') {
        const { why } = admission;
        if (why.reason === 'own-token' || why.reason === 'foreign-token') answer = { kind: 'wrong-token' };
        turn.apply.push(() => this.hold(call, entry, version, why));
        return;
      }
      turn.apply.push(() => this.waiting.delete(call.id));
      if (!entry && !mayTake) return;
      if (entry?.connection) {
        const why = { reason: 'outdated-agent', name: entry.record.name } as const;
        turn.apply.push(() => this.reportHeld(call, entry, why));
        return;
      }
      const before = entry?.record ?? newHost(hostId, call.id, turn.now);
      const record = change(before, turn.now);
      this.core.putHost(turn, before, record, !entry);
      turn.apply.push(() => this.markPolled(record, call));
      if (!entry) {
        turn.events.push(events.hostAddedByAgent(record, 'version-1-agent', turn.now, call.address));
        return;
      }
      also(turn, entry);
      if (mayTake) this.skipUnsupported(turn, entry);
      if (mayTake && this.handOut(turn, entry, record)) answer = { ...idle, command: 'pull-switch' };
    });
    return refused === null ? answer : { kind: 'unavailable', reason: refused };
  }

  private entryFor({ id, identity }: V1Call): HostEntry | null {
    const { entries } = this.core.memory;
    const ofToken = identity.kind === 'host' ? entries.get(identity.hostId) : undefined;
    if (ofToken && (ofToken.record.id.toLowerCase() === id || ofToken.record.name === id)) return ofToken;
    return entries.get(id) ?? this.core.memory.byName(id);
  }

  private decide(call: V1Call, entry: HostEntry | null): Admission {
    const { agents } = this.core.options;
    const { entries } = this.core.memory;
    const { id: name, address, identity } = call;
    return decideAdmission({
      name,
      address,
      identity,
      instance: '',
      host: entry && {
        id: entry.record.id,
        name: entry.record.name,
        hasOwnToken: agents.hasOwnToken(entry.record.id),
        isLeaving: entry.dashboardCommand?.operation === 'remove-host',
      },
      tokenOf: identity.kind === 'host' ? (entries.get(identity.hostId)?.record.name ?? null) : null,
      present: null,
      newHostsWait: agents.newHostsWait(),
      isRefused: agents.isRefused(name),
      hosts: entries.size,
    });
  }

  private hold(call: V1Call, entry: HostEntry | null, version: string, why: HeldWhy): void {
    const { reason } = why;
    this.reportHeld(call, entry, why);
    if (reason === 'own-token' || reason === 'foreign-token') return;
    const { id: name, address } = call;
    const known = this.waiting.get(name);
    if (!known && this.waiting.size >= MAX_WAITING) return;
    const now = this.core.now();
    const since = known?.since ?? now;
    const reportedVersion = version === '' ? (known?.version ?? '') : version;
    const message = events.heldSentence(why);
    this.waiting.set(name, { name, address, version: reportedVersion, since, reason, message, calledAt: now });
    if (known?.reason !== reason) this.admission.noticesChanged();
  }

  /** Ends queued commands that a version-1 agent can't run: they waited for an agent that it has replaced. */
  private skipUnsupported(turn: Turn, entry: HostEntry): void {
    for (const waiting of entry.queue) {
      const unsupported = this.engine.unsupported(turn, entry, waiting.operation);
      if (unsupported === null) continue;
      const reason = `The host came back online, but the command could not be sent: ${unsupported}`;
      this.engine.feed(turn, waiting, { type: 'not-sent', outcome: 'skipped', reason });
    }
  }

  /** Hands a queued pull-switch to the agent that polls. */
  private handOut(turn: Turn, entry: HostEntry, record: HostRecord): boolean {
    const command = entry.queue.find(({ operation }) => operation === 'pull-switch');
    if (!command || entry.active) return false;
    this.engine.markSent(turn, command, record);
    turn.events.push(events.commandHandedOut(record, command, turn.now));
    return true;
  }

  private markPolled(record: HostRecord, { address, identity }: V1Call): void {
    const entry = this.core.memory.entries.get(record.id);
    if (!entry) return;
    const now = this.core.options.clock.now();
    const wasOnline = entry.polledUntil > 0;
    entry.polledUntil =
      now + Math.max(MIN_OFFLINE_AFTER_MS, record.heartbeatIntervalS * 1_000 * OFFLINE_AFTER_INTERVALS);
    if (wasOnline || countConnect(entry.connects, now) !== 'log') return;
    this.core.defer(events.agentConnected(entry.record, record.agentVersion, true, now, address), identity);
  }

  /** A report ends the command that was handed out; without one it becomes an event. Reports do not name their command. */
  private reported(turn: Turn, entry: HostEntry, { address, identity }: V1Call, body: V1Status): void {
    const { active, record } = entry;
    const words = wordsOf(body);
    if (active?.operation === 'pull-switch' && active.state.phase !== 'queued') {
      this.endWith(turn, active, body, words);
      return;
    }
    const { status } = body;
    turn.apply.push(() => {
      if (!this.reports.isDue(record.id, turn.now)) return;
      this.core.defer(events.agentReport(record, { status, words }, turn.now, address), identity);
    });
  }

  private endWith(turn: Turn, command: CommandRecord, { status, output }: V1Status, words: string): void {
    for (const text of output) turn.lines.push({ command, at: turn.now, stream: 'stdout', text });
    this.engine.feed(turn, command, { type: 'done', ending: endingOf(status, words) });
  }

  private tooOften(call: V1Call, now: number): number {
    const { id } = call;
    const known = this.calls.get(id);
    if (!known || now - known.since >= MINUTE_MS || now < known.since) {
      // Invented names can fill this table; a known host is never refused because of them.
      if (!known && this.calls.size >= MAX_COUNTED && !this.entryFor(call)) return MINUTE_MS;
      this.calls.set(id, { since: now, count: 1 });
      return 0;
    }
    known.count += 1;
    return known.count > MAX_CALLS_PER_MINUTE ? known.since + MINUTE_MS - now : 0;
  }

  private reportHeld({ id, address, identity }: V1Call, entry: HostEntry | null, why: EventParams<'agent.held'>): void {
    const now = this.core.options.clock.now();
    if (!this.heldEvents.isDue(`${id} ${address} ${JSON.stringify(why)}`, now)) return;
    this.core.defer(events.agentHeld(entry?.record ?? null, why, now, address), identity);
  }

  /** Moves deadlines by `ms`: the wall clock moved further than the time in which calls could be read. */
  timeShifted(ms: number): void {
    for (const entry of this.core.memory.entries.values()) if (entry.polledUntil > 0) entry.polledUntil += ms;
    for (const waiting of this.waiting.values()) waiting.calledAt += ms;
  }

  /** Marks hosts that stopped polling as offline; drops old counts of calls and waiting hosts. */
  tick(now: number): void {
    for (const entry of this.core.memory.entries.values()) {
      if (entry.polledUntil === 0 || now < entry.polledUntil) continue;
      this.core.about(entry, 'drop', (turn) => {
        if (entry.polledUntil === 0 || turn.now < entry.polledUntil) return;
        turn.touched.add(entry.record.id);
        turn.apply.push(() => {
          entry.polledUntil = 0;
          this.core.defer(events.agentDisconnected(entry.record, { how: 'stopped-polling' }, turn.now, ''), null);
        });
      });
    }
    for (const [id, { since }] of this.calls) if (Math.abs(now - since) >= MINUTE_MS) this.calls.delete(id);
    for (const [name, { calledAt }] of this.waiting) {
      if (Math.abs(now - calledAt) < WAITING_MS) continue;
      this.waiting.delete(name);
      this.admission.noticesChanged();
    }
  }
}

/** What a report says: its first line, such as "Pull failed", and the cause of an error; else its comment. */
function wordsOf({ status, output, comment }: V1Status): string {
  const first = output.map((line) => plainText(line, MAX_QUOTED)).find((line) => line !== '');
  if (first === undefined) return comment;
  const cause = status === 'error' ? findCause(output) : null;
  return cause?.isKnown !== true || cause.text.includes(first) ? first : `${first}: ${cause.text}`;
}

/** The ending that a report proves. `ok` may refer to the pull alone: version 1 reports a pull-switch with its pull's text. */
function endingOf(status: V1Status['status'], words: string): Ending {
  const quoted = words === '' ? '' : ` Its report: ${words}`;
  switch (status) {
    case 'ok':
      return {
        outcome: 'partial',
        exitCode: null,
        reason:
          'The version-1 agent reported ok, which may refer to the pull alone. The switch is complete when the host comes ' +
          `back with its new agent.${quoted}`,
      };
    case 'error':
      return { outcome: 'failed', exitCode: null, reason: `The version-1 agent reported an error.${quoted}` };
    case 'unknown':
      return { outcome: 'lost', exitCode: null, reason: `The version-1 agent does not know the result.${quoted}` };
  }
}
