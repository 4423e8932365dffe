/** Maps rows of the Go dashboard's event, audit, reboot and pipeline tables to events. */
import { createHash } from 'node:crypto';
import { plainText } from '@/lib/text/plain-text';
import { NOBODY } from '@/lib/fleet/events';
import type { AdoptedEvent, KnownHost } from './adopt-command';
import type { OldRow } from './old-row';
import type { EventWithSentence } from '../sqlite/rows';
import type { EventCategory, EventLevel } from '@/lib/protocol/event-categories';

export interface EventContext {
  host(oldId: string): KnownHost | null;
  now: number;
}

const LEVELS: ReadonlyMap<string, EventLevel> = new Map<string, EventLevel>([
  ['info', 'info'],
  ['warn', 'warning'],
  ['warning', 'warning'],
  ['error', 'error'],
  ['success', 'success'],
]);
const CATEGORIES: ReadonlyMap<string, EventCategory> = new Map<string, EventCategory>([
  ['ops', 'command'],
  ['audit', 'auth'],
]);

/** A row of `event_log`. */
export function mapEvent(row: OldRow, context: EventContext): AdoptedEvent {
  const category = row.text('category', { max: 64 });
  const level = row.text('level', { max: 64 });
  const knownCategory = CATEGORIES.get(category);
  const knownLevel = LEVELS.get(level);
  if (!knownCategory) row.reject('category', 'is not a known category.');
  if (!knownLevel) row.reject('level', 'is not a known level.');
  const action = row.text('action', { max: 64 });
  const actor = row.text('actor', { max: 64 });
  const isOperator = actor === 'user';
  const details = row.text('details', { lines: true });
  const event = {
    ...about(row, context),
    at: eventTime(row, 'timestamp', context.now),
    category: knownCategory ?? 'system',
    level: knownLevel ?? 'warning',
    action: action === '' ? 'event.adopted' : action,
    actorKind: isOperator ? 'operator' : 'dashboard',
    actor: actor === '' ? 'the old dashboard' : actor,
    outcome: '',
    message: row.text('message', { lines: true }),
    ...(details === '' ? {} : { data: { details } }),
  } satisfies EventWithSentence;
  return finished(row, event);
}

/** A row of `audit_log`: an attempt to reboot, with the reason of a refusal. */
export function mapAudit(row: OldRow, context: EventContext): AdoptedEvent {
  const action = row.text('action', { max: 64 });
  const success = row.integer('success', 0, 1);
  const details = row.object('details');
  const reason = typeof details?.reason === 'string' ? plainText(details.reason, 200) : '';
  const ip = typeof details?.ip === 'string' ? plainText(details.ip, 64) : '';
  const base = about(row, context);
  const where = base.hostName === '' ? '' : ` of ${base.hostName}`;
  const event = {
    ...base,
    at: eventTime(row, 'timestamp', context.now),
    category: 'auth',
    level: success === 1 ? 'info' : 'warning',
    action: action === '' ? 'audit.adopted' : action,
    actorKind: 'operator',
    actor: 'operator',
    address: ip,
    outcome: success === null ? '' : success === 1 ? 'success' : 'refused',
    message: `${action || 'An action'}${where}: ${success === 1 ? 'done' : 'refused'}${reason === '' ? '' : ` (${reason})`}.`,
    data: { ...(details ?? {}), ...sessionMark(row) },
  } satisfies EventWithSentence;
  return finished(row, event);
}

/** A row of `reboot_attempts`, which the Go dashboard counted for its limit. */
export function mapReboot(row: OldRow, context: EventContext): AdoptedEvent {
  const success = row.integer('success', 0, 1);
  const base = about(row, context);
  const event = {
    ...base,
    at: eventTime(row, 'attempted_at', context.now),
    category: 'auth',
    level: success === 1 ? 'info' : 'warning',
    action: 'reboot.attempted',
    actorKind: 'operator',
    actor: 'operator',
    outcome: success === null ? '' : success === 1 ? 'success' : 'refused',
    message: `A reboot of ${base.hostName || 'a host'} was requested${success === 1 ? '' : ' and refused'}.`,
  } satisfies EventWithSentence;
  return finished(row, event);
}

/** An event with the whole old row in its import note: a pipeline has no place for all of it. */
export function pipelineEvent(row: OldRow, name: string, status: string, at: number): AdoptedEvent {
  const event = {
    ...NOBODY,
    at,
    category: 'command',
    level: 'info',
    action: 'pipeline.adopted',
    actorKind: 'dashboard',
    actor: 'the old dashboard',
    outcome: '',
    message: `Pipeline ${name || 'without a name'}: ${status || 'without a status'}.`,
  } satisfies EventWithSentence;
  return { event, importNote: row.wholeNote() };
}

function about(row: OldRow, context: EventContext) {
  const oldId = row.text('host_id', { max: 255 });
  const host = oldId === '' ? null : context.host(oldId);
  return { ...NOBODY, hostId: host?.id ?? null, hostName: host?.name ?? oldId };
}

function eventTime(row: OldRow, column: string, now: number): number {
  const at = row.time(column);
  if (at === null && !row.hasProblem(column)) {
    row.reject(column, 'is missing; the time of the adoption is used instead.');
  }
  return at ?? now;
}

/** Shows which rows belong to one session. The id itself is still valid after going back to the old dashboard. */
function sessionMark(row: OldRow): { session?: string } {
  const id = row.text('user_session', { max: 255 });
  return id === '' ? {} : { session: createHash('sha256').update(id).digest('hex').slice(0, 16) };
}

function finished(row: OldRow, event: EventWithSentence): AdoptedEvent {
  row.take('id');
  return { event, importNote: row.note() };
}
