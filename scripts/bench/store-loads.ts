/** The three loads of `npm run bench:store`, on a store of any kind. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setImmediate as nextTask } from 'node:timers/promises';
import { pause } from './latency';
import { StoreRunner, work } from './store-runner';
import { BIG_COMMAND, BIG_LINES, FLEET, ended, event, host, outputLines, running } from './store-records';
import type { StorePorts } from '@/lib/store/thread/store-engine';

type Fleet = Pick<StorePorts['fleet'], 'commit' | 'output'>;

/** Milliseconds, unless said otherwise. */
export interface Figures {
  p50: number;
  p99: number;
  max: number;
  /** Until the last write was stored; of the history: for 100,000 lines. 0 where nothing was stored or read. */
  ms: number;
  /** Processor time of all threads, in shares of one core. */
  cpu: number;
}

const SETTLE_MS = 10;

const ANSWERS = 500;
const FRAMES_PER_READ = 25;
const FRAME_US = 20;
const EFFECT_US = 10;

const OUTPUT_SECONDS = 5;
const OUTPUT_EVERY_MS = 50;
const OUTPUT_COMMANDS = 20;
const LINES_PER_SECOND = 20_000;

const HISTORY_SECONDS = 5;
const HEARTBEATS_PER_SECOND = 2_000;
const FACTS_EVERY_MS = 1_000;
/** As a page of the live socket and of the download. */
const PAGE_LINES = 1_000;
const PAGE_CHARACTERS = 256 * 1024;

/** Delays of the event loop while `load` runs, which returns its time. */
async function measure(load: () => Promise<number>): Promise<Figures> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const from = performance.now();
  const before = process.cpuUsage();
  delay.enable();
  const ms = await load();
  // A block at the very end counts when the timer has fired once more.
  await pause(SETTLE_MS);
  delay.disable();
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) / 1_000 / (performance.now() - from);
  const inMs = (nanoseconds: number) => nanoseconds / 1e6;
  return { p50: inMs(delay.percentile(50)), p99: inMs(delay.percentile(99)), max: inMs(delay.max), ms, cpu };
}

/** 500 agents start, finish and report a command of this request at the same moment: three inputs each. */
export function measureAnswers(fleet: Fleet, request: string): Promise<Figures> {
  return measure(
    () =>
      new Promise<number>((resolve, reject) => {
        const from = performance.now();
        const runner = new StoreRunner(fleet, 3 * ANSWERS, EFFECT_US, (error) => {
          if (error === null) resolve(performance.now() - from);
          else reject(error);
        });
        const arrive = async () => {
          for (let number = 0; number < 3 * ANSWERS; number += 1) {
            const hostId = host(number % ANSWERS).id;
            const isLast = number >= 2 * ANSWERS;
            work(FRAME_US);
            const command = isLast
              ? ended(`${request}-${hostId}`, hostId, 20)
              : running(`${request}-${hostId}`, hostId, 0);
            runner.put({
              hostId,
              writes: { hosts: [host(number % ANSWERS)], commands: [command], events: [event(hostId)] },
            });
            // The sockets of many agents are read one after the other.
            if (number % FRAMES_PER_READ === 0) await nextTask();
          }
        };
        arrive().catch(reject);
      }),
  );
}

/** 20,000 lines of output a second, of 20 commands. */
export function measureOutput(fleet: Fleet): Promise<Figures> {
  return measure(async () => {
    const from = performance.now();
    const each = (LINES_PER_SECOND * OUTPUT_EVERY_MS) / 1_000 / OUTPUT_COMMANDS;
    let stored: Promise<unknown> = Promise.resolve();
    for (let flush = 0; flush < (OUTPUT_SECONDS * 1_000) / OUTPUT_EVERY_MS; flush += 1) {
      const names = Array.from({ length: OUTPUT_COMMANDS }, (_, index) => `output-${index}`);
      const writes = {
        commands: names.map((name, index) => running(name, host(index).id, (flush + 1) * each)),
        output: names.map((commandId) => ({ commandId, lines: outputLines(flush * each + 1, each) })),
      };
      // One is on its way while the next gathers; the store answers in order.
      const before = stored;
      stored = fleet.commit(writes);
      await before;
      await pause(Math.max(0, from + (flush + 1) * OUTPUT_EVERY_MS - performance.now()));
    }
    await stored;
    return performance.now() - from;
  });
}

/** A history of 100,000 lines is read page by page, over and over, while heartbeats arrive and facts are stored. */
export function measureHistory(fleet: Fleet): Promise<Figures> {
  return measure(async () => {
    const from = performance.now();
    const passed = () => performance.now() - from;
    let heartbeats = 0;
    const beats = setInterval(() => {
      const due = Math.floor((passed() / 1_000) * HEARTBEATS_PER_SECOND) - heartbeats;
      heartbeats += due;
      work(due * FRAME_US);
    }, 1);
    const hosts = Array.from({ length: FLEET }, (_, index) => host(index));
    const flushes: Promise<unknown>[] = [];
    const facts = setInterval(() => flushes.push(fleet.commit({ hosts })), FACTS_EVERY_MS);
    let lines = 0;
    let after = 0;
    try {
      while (passed() < HISTORY_SECONDS * 1_000) {
        const page = await fleet.output(BIG_COMMAND, after, PAGE_LINES, PAGE_CHARACTERS);
        lines += page.length;
        after = page.at(-1)?.seq ?? 0;
        await nextTask();
      }
    } finally {
      clearInterval(beats);
      clearInterval(facts);
    }
    await Promise.all(flushes);
    return lines === 0 ? 0 : (passed() * BIG_LINES) / lines;
  });
}
