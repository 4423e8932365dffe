/** A dashboard and an agent over real sockets, for cases of how commands end. */
import { once } from 'node:events';
import type { EndStage } from '@/lib/fleet/testing/ends/play-end-case';
import { ShiftedClock } from './shifted-clock';
import { createTestServer, type AgentClient } from './test-server';

/** Resolves when the dashboard has read everything that was sent before. */
async function settled(agent: AgentClient): Promise<void> {
  agent.socket.ping();
  await once(agent.socket, 'pong');
}

export async function openSocketStage(): Promise<EndStage> {
  const clock = new ShiftedClock();
  const server = await createTestServer({ clock });
  let agent: AgentClient | null = null;
  const present = () => {
    if (!agent) throw new Error('no connection');
    return agent;
  };
  return {
    fleet: server.fleet,
    desired: server.desired,
    async dial() {
      agent = await server.agent();
    },
    async send(type, payload) {
      present().send(type, payload);
      await settled(present());
      await server.fleet.settled();
    },
    async frame(fits, count) {
      const { inbox } = present();
      return inbox.find((frame) => inbox.all.filter(fits)[count - 1] === frame);
    },
    frames: () => agent?.inbox.all ?? [],
    async close(code) {
      const { socket } = present();
      if (code === 1006) {
        socket.terminate();
        return;
      }
      socket.close(code, 'shutdown');
      await once(socket, 'close');
    },
    async intrude(frames) {
      const other = await server.agent();
      for (const [type, payload] of frames) other.send(type, payload);
      await settled(other);
      return other.inbox.all;
    },
    advance(ms) {
      clock.advance(ms);
      return Promise.resolve();
    },
    setClock: (ms) => clock.set(ms),
    until: (fits) => server.until(fits),
    shutDown: () => server.close(),
  };
}
