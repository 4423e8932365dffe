/** The sum of events that agents and visitors caused beyond their budget. */
import { z } from 'zod';
import { eventKind, timeSchema } from './event-kind';

const counts = z.array(z.object({ name: z.string(), count: z.number() }));
type Counts = z.infer<typeof counts>;

/** Kinds of events in words. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['agent.connected', 'connections'],
  ['agent.disconnected', 'disconnections'],
  ['agent.unsteady', 'agents that reconnect too often'],
  ['agent.held', 'agents that were not admitted'],
  ['agent.limit', 'closed connections'],
  ['agent.fault', 'frames that were not accepted'],
  ['agent.report', 'reports of version-1 agents'],
  ['agent.refused', 'agents refused for their token'],
  ['agent.shared-token-refused', 'agents refused with the shared token'],
  ['enrolment.refused', 'refused enrolments'],
  ['auth.setup.refused', 'refused set-ups'],
  ['auth.sign-in.refused', 'refused sign-ins'],
]);

const listed = (entries: Counts, nameOf = (name: string) => name) =>
  entries.map(({ name, count }) => `${nameOf(name)} (${count.toLocaleString('en')})`).join(', ');

/** `3 hosts: web (4), db (1), …`; empty without any. */
function named(noun: string, plural: string, total: number, entries: Counts): string {
  if (total === 0) return '';
  return `${total.toLocaleString('en')} ${total === 1 ? noun : plural}: ${listed(entries)}${total > entries.length ? ', …' : ''}`;
}

export const PEER_EVENT_KINDS = {
  /**
   * `events`: how many since `since` (wall clock) were not recorded. `kinds`: all of their codes. `hosts`, `addresses`:
   * how many different ones (at most 1,000 are told apart), with those that have the most.
   */
  'events.summed': eventKind({
    params: z.object({
      since: timeSchema,
      events: z.number(),
      kinds: counts,
      hosts: z.number(),
      ofHosts: counts,
      addresses: z.number(),
      ofAddresses: counts,
    }),
    chain: 'peers',
    category: ({ kinds }) => (kinds.every(({ name }) => name.startsWith('auth.')) ? 'auth' : 'agent'),
    level: 'warning',
    sentence: ({ since, events, kinds, hosts, ofHosts, addresses, ofAddresses }) => {
      const isOne = events === 1;
      const parts = [
        [isOne ? 'names' : 'name', named('host', 'hosts', hosts, ofHosts)],
        [isOne ? 'comes from' : 'come from', named('address', 'addresses', addresses, ofAddresses)],
      ].flatMap(([verb, text]) => (text === '' ? [] : `${verb} ${text}`));
      return (
        `${events.toLocaleString('en')} more ${isOne ? 'event' : 'events'} from agents and visitors since ` +
        `${new Date(since).toISOString()} ${isOne ? 'was' : 'were'} counted but not recorded: ` +
        `${listed(kinds, (name) => WORDS.get(name) ?? name)}.` +
        (parts.length === 0 ? '' : ` ${isOne ? 'It' : 'They'} ${parts.join(' and ')}.`)
      );
    },
  }),
};
