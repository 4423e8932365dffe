/** How long the dashboard needs when every agent answers one request at the same moment. */
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { closeDatabase, openDatabase } from '@/lib/store/sqlite/open-database';
import { NO_DESIRED_STATE } from '@/lib/fleet/hosts/desired';
import { newCommandId } from '@/lib/fleet/records/ids';
import { FleetService } from '@/lib/fleet/service';
import { systemClock } from '@/lib/edge/system-clock';
import { LoopClock } from '@/lib/edge/loop-clock';
import { answerLater } from '@/lib/store/sqlite/later';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import type { AgentLink } from '@/lib/fleet/records/agent-port';
import type { FleetStore } from '@/lib/fleet/records/store-port';
import type { Publisher } from '@/lib/fleet/records/publisher';

const BEAT = { generation: 'aaaaaaa', pending_command: null };

export interface Answers {
  /** Milliseconds until all commands have ended, with one transaction per input and with shared ones. */
  aloneMs: number;
  togetherMs: number;
}

/** All `hosts` agents start, end and report a command at once; `rounds` times for each way. */
export async function measureAnswers(folder: string, hosts: number, rounds: number): Promise<Answers> {
  const times = { alone: [] as number[], together: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    times.alone.push(await answer(`${folder}/alone-${round}.db`, hosts, true));
    times.together.push(await answer(`${folder}/together-${round}.db`, hosts, false));
  }
  // The best of each: the others include what else the machine did.
  return { aloneMs: Math.min(...times.alone), togetherMs: Math.min(...times.together) };
}

async function answer(path: string, hosts: number, oneByOne: boolean): Promise<number> {
  const log = pino({ level: 'silent' });
  const db = openDatabase(path, { log });
  const nothing = () => undefined;
  let ended = 0;
  let allEnded: () => void = nothing;
  const publisher: Publisher = {
    hosts: nothing,
    other: nothing,
    output: nothing,
    outputDone: () => {
      ended += 1;
      if (ended === hosts) allEnded();
    },
  };
  const fleet = new FleetService({
    store: answerLater<FleetStore>(createFleetStore(db, { log })),
    clock: systemClock,
    loop: new LoopClock(),
    publisher,
    desired: {
      state: NO_DESIRED_STATE,
      relate: () => ({ relation: 'unknown', commits: null }),
      subscribe: () => nothing,
      refresh: () => Promise.resolve(),
    },
    agents: { isStillValid: () => true, hasOwnToken: () => false, newHostsWait: () => false, isRefused: () => false },
    log,
    version: '',
    epoch: 'bench',
    newId: newCommandId(() => Date.now(), randomBytes),
    outputLimit: 1024 * 1024,
  });
  try {
    await fleet.start();
    const links = Array.from({ length: hosts }, (_, n) => agent(fleet, `bench-${n}`));
    await fleet.settled();
    const hostIds = links.map((_, n) => `bench-${n}`);
    const by = { userId: 'bench', userName: 'bench', address: '127.0.0.1' };
    const done = new Promise<void>((resolve) => {
      allEnded = resolve;
    });
    await fleet.dispatch({ operation: 'test', hostIds, requestId: 'bench', by });
    const since = performance.now();
    const say = async (type: string, payload: unknown) => {
      for (const link of links) {
        fleet.inbox.frame(link, frameOf(type, payload));
        if (oneByOne) await fleet.settled();
      }
    };
    await say('heartbeat', { ...BEAT, pending_command: 'test' });
    await say('status', { status: 'ok', command: 'test', exit_code: 0 });
    await say('heartbeat', BEAT);
    await done;
    return performance.now() - since;
  } finally {
    await fleet.stop();
    closeDatabase(db);
  }
}

function frameOf(type: string, payload: unknown) {
  return parseAgentFrame(JSON.stringify({ type, payload }));
}

function agent(fleet: FleetService, hostname: string): AgentLink {
  const nothing = () => undefined;
  const link: AgentLink = {
    id: hostname,
    address: '127.0.0.1',
    identity: { kind: 'shared' },
    send: () => true,
    finish: () => undefined,
    holdUntil: () => undefined,
    probe: nothing,
    close: nothing,
  };
  fleet.inbox.connected(link);
  fleet.inbox.frame(link, frameOf('register', { hostname, generation: 'aaaaaaa' }));
  fleet.inbox.frame(link, frameOf('heartbeat', BEAT));
  return link;
}
