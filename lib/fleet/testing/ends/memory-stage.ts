/** A fleet in memory, for cases of how commands end. */
import { expect } from 'vitest';
import { openBench, type TestLink } from '../test-fleet';
import type { EndStage, ReceivedFrame } from './play-end-case';

export async function openMemoryStage(): Promise<EndStage> {
  const bench = await openBench();
  let link: TestLink | null = null;
  const present = () => {
    if (!link) throw new Error('no connection');
    return link;
  };
  const connect = () => {
    const opened = bench.connect();
    opened.isAlive = true;
    return opened;
  };
  const framesOf = (of: TestLink): readonly ReceivedFrame[] => of.frames;
  return {
    get fleet() {
      return bench.fleet;
    },
    desired: bench.desired,
    dial() {
      link = connect();
      return Promise.resolve();
    },
    async send(type, payload) {
      await bench.say(present(), type, payload);
      await bench.fleet.settled();
    },
    async frame(fits, count) {
      await bench.fleet.settled();
      const found = framesOf(present()).filter(fits)[count - 1];
      if (!found) throw new Error(`frame ${count} of this kind was not sent: ${JSON.stringify(present().frames)}`);
      return found;
    },
    frames: () => (link ? framesOf(link) : []),
    close: (code) => bench.hangUp(present(), code, code === 1000 ? 'shutdown' : ''),
    async intrude(frames) {
      const other = connect();
      for (const [type, payload] of frames) await bench.say(other, type, payload);
      return framesOf(other);
    },
    advance: (ms) => bench.advance(ms),
    setClock: (ms) => bench.clock.step(ms),
    async until(fits) {
      await bench.fleet.settled();
      expect(await fits()).toBe(true);
    },
    restartDashboard: () => bench.crash(),
    shutDown: () => bench.close(),
  };
}
