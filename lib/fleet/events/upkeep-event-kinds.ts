/** Events of the dashboard's data: backups, restores, adoption, and the deletion of old events. */
import { z } from 'zod';
import { EVENT_CHAINS, eventKind, timeSchema } from './event-kind';
import { counted } from '@/lib/text/counted';

export const UPKEEP_EVENT_KINDS = {
  /** `file`: its name. `warnings`: sentences about problems to solve although the backup is good. */
  'backup.made': eventKind({
    params: z.object({ file: z.string(), warnings: z.array(z.string()) }),
    chain: 'main',
    category: 'system',
    level: ({ warnings }) => (warnings.length > 0 ? 'warning' : 'success'),
    outcome: 'succeeded',
    sentence: ({ file, warnings }) => [`The backup ${file} was made and checked.`, ...warnings].join(' '),
  }),
  /** `reason`: the error's message. */
  'backup.failed': eventKind({
    params: z.object({ reason: z.string() }),
    chain: 'main',
    category: 'system',
    level: 'error',
    outcome: 'failed',
    sentence: ({ reason }) => `The backup failed: ${reason}`,
  }),
  /**
   * The anchor that retention leaves: `upTo` and `hash` are those of the last event that it deletes, of the chain `chain`
   * (absent: `main`). It is in the chain `main`, whichever it is for. `heads`: the newest events of the other chains then,
   * which the gaps in the ids would not prove. `cuts`: the newest anchors of the other chains then, as the one for `main`
   * names the deletion of their events (`at`: when they were recorded). `restores`: all restores until then, for the same
   * reason.
   */
  'events.cut': eventKind({
    params: z.object({
      upTo: z.number(),
      eventDays: z.number(),
      eventRows: z.number(),
      chain: z.enum(EVENT_CHAINS).optional(),
    }),
    details: z.object({
      hash: z.string(),
      heads: z.array(z.object({ chain: z.enum(EVENT_CHAINS), id: z.number(), hash: z.string() })).optional(),
      cuts: z
        .array(z.object({ chain: z.enum(EVENT_CHAINS), upTo: z.number(), hash: z.string(), at: timeSchema }))
        .optional(),
      restores: z.array(z.object({ takenAt: timeSchema, restoredAt: timeSchema })).optional(),
    }),
    chain: 'main',
    category: 'system',
    level: 'info',
    sentence: ({ upTo, eventDays, eventRows, chain = 'main' }) =>
      `Events${chain === 'main' ? '' : ' of agents and visitors'} with ids up to ${upTo} were deleted: ` +
      `they were older than ${eventDays} days, or more than ${eventRows.toLocaleString('en')} events were stored.`,
  }),
  /** `takenAt`: when the backup was made; 0 for a copy that does not say. */
  'database.restored': eventKind({
    params: z.object({ takenAt: timeSchema }),
    details: z.object({ restoredAt: timeSchema }),
    chain: 'main',
    category: 'system',
    level: 'warning',
    sentence: ({ takenAt }) => {
      const of = takenAt === 0 ? 'a copy of unknown time' : `the backup of ${new Date(takenAt).toISOString()}`;
      return `The database was restored from ${of}: what happened later is not in it.`;
    },
  }),
  /** An operator has marked items of the notice as read. `titles`: those of the items. */
  'upgrade-notice.read': eventKind({
    params: z.object({ titles: z.array(z.string()) }),
    category: 'system',
    level: 'info',
    chain: 'main',
    outcome: 'done',
    sentence: ({ titles }) => `These notices were marked as read: ${titles.join(', ')}.`,
  }),
  /** `from`: the dashboard that wrote it. `backup`: the untouched copy. `report`: what became of every row. */
  'database.adopted': eventKind({
    params: z.object({
      from: z.string(),
      hosts: z.number(),
      problems: z.number(),
      backup: z.string(),
    }),
    details: z.object({ sharedNames: z.number(), report: z.record(z.string(), z.unknown()) }),
    chain: 'main',
    category: 'system',
    level: ({ problems, sharedNames }) => (problems > 0 || sharedNames > 0 ? 'warning' : 'info'),
    sentence: ({ from, hosts, problems, backup }) =>
      `The database of ${from} was adopted: ${counted(hosts, 'host')}; ` +
      `${counted(problems, 'value')} ${problems === 1 ? 'was' : 'were'} not valid. The untouched copy is ${backup}.`,
  }),
};
