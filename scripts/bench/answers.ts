/** How long the dashboard needs when every agent answers one request at the same moment. */
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { closeDatabase, openDatabase } from '@/lib/store/sqlite/open-database';
import { NO_DESIRED_STATE } from '@/lib/fleet/hosts/desired';
import { newCommandId } from '@/lib/fleet/records/ids';
import { FleetService, GROUP_INPUTS_MS } from '@/lib/fleet/service';
import { systemClock } from '@/lib/edge/system-clock';
import { LoopClock } from '@/lib/edge/loop-clock';
import type { AgentLink } from '@/lib/fleet/records/agent-port';
import type { Publisher } from '@/lib/fleet/records/publisher';

const BEAT = { generation: 'aaaaaaa', pending_command: null };

export interface Answers {
  /** Milliseconds until all commands have ended, with one transaction per input and with grouped inputs. */
  aloneMs: number;
  togetherMs: number;
}

/** All `hosts` agents start, end and report a command at once; `rounds` times for each way. */
export async function measureAnswers(folder: string, hosts: number, rounds: number): Promise<Answers> {
  const times = { alone: [] as number[], together: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    times.alone.push(await answer(`${folder}/alone-${round}.db`, hosts, 0));
    times.together.push(await answer(`${folder}/together-${round}.db`, hosts, GROUP_INPUTS_MS));
  }
  // The best of each: the others include what else the machine did.
  return { aloneMs: Math.min(...times.alone), togetherMs: Math.min(...times.together) };
}

async function answer(path: string, hosts: number, groupMs: number): Promise<number> {
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
    store: createFleetStore(db, { log }),
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
    groupMs,
  });
  try {
    fleet.start();
    const links = Array.from({ length: hosts }, (_, n) => agent(fleet, `bench-${n}`));
    const hostIds = links.map((_, n) => `bench-${n}`);
    const by = { userId: 'bench', userName: 'bench', address: '127.0.0.1' };
    const done = new Promise<void>((resolve) => {
      allEnded = resolve;
    });
    fleet.dispatch({ operation: 'test', hostIds, requestId: 'bench', by });
    const since = performance.now();
    const say = (type: string, payload: unknown) => {
      for (const link of links) fleet.inbox.frame(link, JSON.stringify({ type, payload }));
    };
    say('heartbeat', { ...BEAT, pending_command: 'test' });
    say('status', { status: 'ok', command: 'test', exit_code: 0 });
    say('heartbeat', BEAT);
    await done;
    return performance.now() - since;
  } finally {
    fleet.stop();
    closeDatabase(db);
  }
}

function agent(fleet: FleetService, hostname: string): AgentLink {
  const nothing = () => undefined;
  const link: AgentLink = {
    id: hostname,
    address: '127.0.0.1',
    identity: { kind: 'shared' },
    send: () => true,
    finish: () => undefined,
    probe: nothing,
    close: nothing,
  };
  fleet.inbox.connected(link);
  fleet.inbox.frame(link, JSON.stringify({ type: 'register', payload: { hostname, generation: 'aaaaaaa' } }));
  fleet.inbox.frame(link, JSON.stringify({ type: 'heartbeat', payload: BEAT }));
  return link;
}
