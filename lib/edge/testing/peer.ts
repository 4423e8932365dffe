/** A WebSocket peer in a worker thread: it reads and answers while the event loop of the test is blocked. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface PeerOptions {
  url: string;
  headers?: Record<string, string>;
  /** Sent when the socket is open. */
  hello?: readonly string[];
  /** Sent when a frame that contains this text arrives. */
  answers?: readonly { to: string; frames: readonly string[] }[];
  /** Whether it answers pings; true by default. */
  autoPong?: boolean;
}

/** Runs in the worker, which knows no TypeScript. */
const SOURCE = `
const { parentPort, workerData } = require('node:worker_threads');
const { WebSocket } = require('ws');
const { url, headers, hello = [], answers = [], autoPong = true } = workerData;
const socket = new WebSocket(url, { headers, autoPong, perMessageDeflate: false });
const report = (kind, value) => parentPort.postMessage({ kind, value });
socket.on('open', () => { report('open'); for (const frame of hello) socket.send(frame); });
socket.on('message', (data) => {
  const text = data.toString();
  for (const { to, frames } of answers) if (text.includes(to)) for (const frame of frames) socket.send(frame);
  report('message', text);
});
socket.on('ping', () => report('ping'));
socket.on('unexpected-response', (_request, response) => { report('refused', response.statusCode); response.destroy(); });
socket.on('error', () => {});
socket.on('close', (code) => report('close', code));
parentPort.on('message', ({ text, written, leave }) => socket.send(text, () => {
  const done = () => {
    if (!written) return;
    Atomics.store(written, 0, 1);
    Atomics.notify(written, 0);
  };
  if (!leave) return done();
  socket.once('close', done);
  socket.terminate();
}));
`;

type PeerEvent = { kind: 'open' | 'ping' | 'message' | 'refused' | 'close'; value?: unknown };

export class Peer {
  readonly events: PeerEvent[] = [];
  private waiting: (() => void)[] = [];

  private constructor(private readonly worker: Worker) {
    worker.on('message', (event: PeerEvent) => {
      this.events.push(event);
      for (const wake of this.waiting.splice(0)) wake();
    });
  }

  /** Starts to connect. */
  static dial(options: PeerOptions): Peer {
    return new Peer(new Worker(SOURCE, { eval: true, workerData: options }));
  }

  /** Waits for an event of this kind. */
  async until(kind: PeerEvent['kind'], fits: (value: unknown) => boolean = () => true): Promise<unknown> {
    for (;;) {
      const found = this.events.find((one) => one.kind === kind && fits(one.value));
      if (found) return found.value;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** Waits for a frame that contains this text. */
  message(text: string): Promise<unknown> {
    return this.until('message', (value) => String(value).includes(text));
  }

  send(text: string): void {
    this.worker.postMessage({ text });
  }

  /** Sends and holds the event loop until the frame is in the socket that this process reads it from. */
  sendHolding(text: string): void {
    this.hold({ text });
  }

  /** As `sendHolding`; then it ends its connection, still within the hold. */
  leaveHolding(text: string): void {
    this.hold({ text, leave: true });
  }

  /** Sends, then ends its connection once all of it was written. */
  async leave(text: string): Promise<void> {
    this.worker.postMessage({ text, leave: true });
    await this.until('close');
  }

  private hold(message: { text: string; leave?: boolean }): void {
    const written = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    this.worker.postMessage({ ...message, written });
    Atomics.wait(written, 0, 0);
  }

  /** How its connection ended: a close code, a refused upgrade's status, or null while it lasts. */
  get end(): number | null {
    const end = this.events.find(({ kind }) => kind === 'close' || kind === 'refused');
    return typeof end?.value === 'number' ? end.value : null;
  }

  async stop(): Promise<void> {
    const gone = once(this.worker, 'exit');
    await this.worker.terminate();
    await gone;
  }
}

/** Blocks the event loop, as any long synchronous work does, and leaves the processor to the peers and to other tests. */
export function holdLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, ms);
}
