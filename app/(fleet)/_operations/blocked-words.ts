/** Short phrases for why an operation is blocked on hosts, by the code of the reason. Pure. */
import { joinWords } from '@/app/_ui/sentence';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** The phrases for one reason. */
interface BlockedPhrases {
  /** After one host's name or "it": "is busy". */
  one: string;
  /** After several hosts: "are busy". */
  many: string;
  /** After a number: "busy". */
  short: string;
}

const BUSY: BlockedPhrases = { one: 'is busy', many: 'are busy', short: 'busy' };

const PHRASES: Readonly<Record<string, BlockedPhrases>> = {
  offline: { one: 'is offline', many: 'are offline', short: 'offline' },
  online: { one: 'is online', many: 'are online', short: 'online' },
  busy: BUSY,
  'agent-busy': BUSY,
  confirming: {
    one: 'is trying a new system',
    many: 'are trying a new system',
    short: 'trying a new system',
  },
  idle: { one: 'is idle', many: 'are idle', short: 'idle' },
  unfinished: {
    one: 'has an unfinished command',
    many: 'have unfinished commands',
    short: 'with unfinished commands',
  },
  behind: { one: 'has not pulled yet', many: 'have not pulled yet', short: 'not pulled yet' },
  'version-1': {
    one: 'has a version-1 agent',
    many: 'have a version-1 agent',
    short: 'with a version-1 agent',
  },
  unsupported: {
    one: 'has an agent that does not support it',
    many: 'have agents that do not support it',
    short: 'with an agent that does not support it',
  },
  'one-host': {
    one: 'can’t be combined with other hosts',
    many: 'have different generations',
    short: 'with different generations',
  },
  policy: { one: 'does not accept it', many: 'do not accept it', short: 'that do not accept it' },
  elsewhere: { one: 'is in another pipeline', many: 'are in another pipeline', short: 'in another pipeline' },
};

/** For a code that has no phrases here. */
const OTHER: BlockedPhrases = { one: 'is not ready', many: 'are not ready', short: 'not ready' };

/** The reasons that say no more than their phrase. */
const WITHOUT_DETAIL: ReadonlySet<string> = new Set(['offline', 'idle', 'elsewhere']);

/** The phrases for a reason. */
export function blockedPhrases(code: string): BlockedPhrases {
  return PHRASES[code] ?? OTHER;
}

/** "2 are busy". */
export function blockedCount(code: string, count: number): string {
  const { one, many } = blockedPhrases(code);
  return `${count} ${count === 1 ? one : many}`;
}

/**
 * Why several hosts are blocked: "3 hosts are busy: web1, web2 and web3. web1 is busy: the switch is in progress." The
 * reason is that of the first host, and names it. Names beyond `maxNames` are counted.
 */
export function blockedHosts(
  code: string,
  reason: string,
  hosts: readonly Pick<HostView, 'name'>[],
  maxNames: number,
): { summary: string; details: string } {
  const names = hosts.slice(0, maxNames).map(({ name }) => name);
  const more = hosts.length - names.length;
  const listed = joinWords(more > 0 ? [...names, `${more} more`] : names);
  return {
    summary: `${hosts.length} hosts ${blockedPhrases(code).many}:`,
    details: WITHOUT_DETAIL.has(code) ? `${listed}.` : `${listed}. ${reason}`,
  };
}
