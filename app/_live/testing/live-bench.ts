/** A live connection over a real socket, and the dashboard's side of it. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, vi } from 'vitest';
import { WebSocket, WebSocketServer, type WebSocket as Socket } from 'ws';
import { type LiveClientMessage, liveClientSchema } from '@/lib/protocol/live/from-browser';
import type { LiveServerMessage } from '@/lib/protocol/live/to-browser';
import { FleetCopy } from '../fleet-copy';
import { LIVE_TIMES, LiveClient, type LiveTimes, type LiveWorld } from '../live-client';
import { OutputChannel } from '../output-channel';
import { aFleet, aHost } from './views';

/** Short back-off; all other timeouts are too long to fire in a test. */
export const QUICK: LiveTimes = { ...LIVE_TIMES, backOffMs: 10, backOffCapMs: 40 };

/** The dashboard's side of one socket, controlled by a test. */
export class Peer {
  private readonly received: LiveClientMessage[] = [];
  private wake: (() => void) | null = null;

  constructor(readonly socket: Socket) {
    socket.on('message', (data: Buffer) => {
      this.received.push(liveClientSchema.parse(JSON.parse(data.toString('utf8'))));
      this.wake?.();
    });
  }

  send(message: LiveServerMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  greet(buildId = 'build-1', serverTime = 1_000): void {
    this.send({ t: 'hello', buildId, serverTime, demo: false });
  }

  /** The next message from the page. */
  async next(): Promise<LiveClientMessage> {
    for (;;) {
      const message = this.received.shift();
      if (message) return message;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

/** Resolves once the store has reached a state; otherwise the test times out. */
export function until(store: FleetCopy, reached: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (reached()) {
      resolve();
      return;
    }
    const stop = store.subscribe(() => {
      if (!reached()) return;
      stop();
      resolve();
    });
  });
}

/** A dashboard for each test; the connections to it end with the test. Call it at the top: it registers hooks. */
export function startLiveBench() {
  let server: WebSocketServer;
  let clients: LiveClient[];
  let serverTimes: number[];

  beforeEach(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    clients = [];
    serverTimes = [];
  });

  afterEach(async () => {
    vi.useRealTimers();
    for (const client of clients) client.stop();
    for (const socket of server.clients) socket.terminate();
    server.close();
    await once(server, 'close');
  });

  const world = (change: Partial<LiveWorld> = {}): LiveWorld => ({
    connect(handlers) {
      const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/live`);
      socket.on('open', () => handlers.open());
      socket.on('message', (data: Buffer) => handlers.message(data.toString('utf8')));
      socket.on('close', (code) => handlers.close(code));
      socket.on('error', () => undefined);
      return { send: (data) => socket.send(data), close: () => socket.close() };
    },
    random: () => 0.5,
    serverTime: (at) => serverTimes.push(at),
    signedIn: () => Promise.resolve(true),
    times: QUICK,
    ...change,
  });

  return {
    /** The server of the dashboard. */
    get server() {
      return server;
    },
    /** The times of the dashboard that the page was given. */
    get serverTimes() {
      return serverTimes;
    },
    /** What a page needs of its browser. */
    world,
    /** The next connection. */
    accept: async (): Promise<Peer> => {
      const [socket] = (await once(server, 'connection')) as [Socket];
      return new Peer(socket);
    },
    /** A page that shows version 7 of a fleet of two hosts. */
    start: (change: Partial<LiveWorld> = {}) => {
      const store = new FleetCopy(aFleet({ version: 7, hosts: [aHost('a'), aHost('b')] }));
      const output = new OutputChannel();
      const client = new LiveClient('build-1', store, output, world(change));
      clients.push(client);
      client.start();
      return { store, output, client };
    },
  };
}
