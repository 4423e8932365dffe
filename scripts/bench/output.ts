/** How fast the output of one command gets from the agent to a browser that watches it. */
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { closeDatabase, openDatabase } from '@/lib/store/sqlite/open-database';
import { createDesired } from '@/lib/desired/desired-service';
import { newCommandId } from '@/lib/fleet/records/ids';
import { FleetService } from '@/lib/fleet/service';
import { systemClock } from '@/lib/edge/system-clock';
import { LoopClock } from '@/lib/edge/loop-clock';
import { SimulatedAgent } from '@/simulator/agent';
import { buildLine, PROMPT } from '@/simulator/behaviour';
import type { Target } from './latency';
import { BenchLiveClient } from './live-client';
import { answerLater } from '@/lib/store/sqlite/later';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import type { AgentLink } from '@/lib/fleet/records/agent-port';
import type { FleetStore } from '@/lib/fleet/records/store-port';
import type { Publisher } from '@/lib/fleet/records/publisher';

const HOSTNAME = 'bench-output';
const OUTPUT_TIMEOUT_MS = 120_000;

export interface Throughput {
  linesPerS: number;
  megabytesPerS: number;
  ms: number;
}

/**
 * Creates a command that was running when the dashboard stopped: its agent registers with it and sends the output, so
 * that no page has to be clicked. Call it while the server is stopped. Gives the command's id.
 */
export async function prepareCommand(dataDir: string): Promise<string> {
  const log = pino({ level: 'silent' });
  const db = openDatabase(`${dataDir}/nixfleet.db`, { log });
  const nothing = () => undefined;
  const publisher: Publisher = { hosts: nothing, other: nothing, output: nothing, outputDone: nothing };
  const fleet = new FleetService({
    store: answerLater<FleetStore>(createFleetStore(db, { log })),
    clock: systemClock,
    loop: new LoopClock(),
    publisher,
    desired: createDesired({
      versionUrl: '',
      configRepo: '',
      branch: 'main',
      flakeDir: '',
      dataDir,
      intervalMs: 30_000,
      clock: systemClock,
      log,
    }),
    agents: { isStillValid: () => true, hasOwnToken: () => false, newHostsWait: () => false, isRefused: () => false },
    log,
    version: '',
    epoch: 'bench',
    newId: newCommandId(() => Date.now(), randomBytes),
    outputLimit: 64 * 1024 * 1024,
  });
  try {
    await fleet.start();
    const identity = { kind: 'shared' } as const;
    const link: AgentLink = {
      id: 'bench',
      address: '127.0.0.1',
      identity,
      send: () => true,
      finish: () => undefined,
      holdUntil: () => undefined,
      probe: nothing,
      close: nothing,
    };
    fleet.inbox.connected(link);
    const register = { type: 'register', payload: { hostname: HOSTNAME, protocol: 3 } };
    fleet.inbox.frame(link, parseAgentFrame(JSON.stringify(register)));
    await fleet.settled();
    const [result] = await fleet.dispatch({
      operation: 'test',
      hostIds: [HOSTNAME],
      requestId: 'bench',
      by: { userId: 'bench', userName: 'bench', address: '127.0.0.1' },
    });
    if (result?.kind !== 'accepted')
      throw new Error(`the command of the benchmark was not accepted: ${JSON.stringify(result)}`);
    return result.commandId;
  } finally {
    await fleet.stop();
    closeDatabase(db);
  }
}

/** From the opening of the agent's connection until the browser has the last line. Throws when a line is missing, duplicated or wrong. */
export async function measureOutput(target: Target, commandId: string, lines: number): Promise<Throughput> {
  const { standard } = PROMPT;
  const agent = new SimulatedAgent({
    url: `${target.server.ws}/ws`,
    token: target.token,
    hostname: HOSTNAME,
    protocol: 3,
    // Half of the lines are sent before it hangs: the measured command keeps running.
    behaviour: { ...PROMPT, standard: { ...standard, lines: 2 * lines, ending: 'hangs' } },
  });
  let count = 0;
  let bytes = 0;
  const clients: BenchLiveClient[] = [];
  let timer: NodeJS.Timeout | undefined;
  const done = new Promise<number>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${count} of ${lines} lines arrived in time`)), OUTPUT_TIMEOUT_MS);
    void BenchLiveClient.open(target.server.http, target.cookie, (message, at) => {
      if (message.t === 'no-output') reject(new Error(message.reason));
      if (message.t !== 'output') return;
      for (const { stream, text } of message.lines) {
        // Notes of the dashboard (that it was restarted) are not lines of the host.
        if (stream === 'note') continue;
        count += 1;
        bytes += text.length;
        if (text !== buildLine(count)) reject(new Error(`line ${count} is not the one that was sent: ${text}`));
      }
      if (count === lines) resolve(at);
    }).then((opened) => {
      clients.push(opened);
      opened.send({ t: 'watch', commandId, after: 0 });
      agent.resumeCommand('test', commandId);
      agent.connect();
    }, reject);
  });
  try {
    const from = await openedAt(agent, done);
    const ms = (await done) - from;
    if (count > lines) throw new Error(`${lines} lines were sent and ${count} arrived`);
    return { linesPerS: (lines / ms) * 1_000, megabytesPerS: bytes / ms / 1_000, ms };
  } finally {
    clearTimeout(timer);
    await agent.close();
    for (const client of clients) await client.close();
  }
}

/** The time when the agent's connection opened; rejects with an earlier failure. */
async function openedAt(agent: SimulatedAgent, failing: Promise<number>): Promise<number> {
  const opened = agent.next('open').then(() => performance.now());
  // Closing the agent rejects the wait; by then nothing uses it.
  opened.catch(() => undefined);
  return Promise.race([opened, failing]);
}
