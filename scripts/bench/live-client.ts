/** The live socket of a page, without a browser: follows the fleet or the output of one command. */
import { WebSocket } from 'ws';
import type { LiveServerMessage } from '@/lib/protocol/live/to-browser';
import type { LiveClientMessage } from '@/lib/protocol/live/from-browser';

const OPEN_TIMEOUT_MS = 10_000;

export class BenchLiveClient {
  private constructor(private readonly socket: WebSocket) {}

  /**
   * Resolves when the first snapshot has arrived. `onMessage` gets every message with the time of its arrival
   * (performance.now(), taken before the message is parsed).
   */
  static async open(
    origin: string,
    cookie: string,
    onMessage: (message: LiveServerMessage, at: number) => void,
  ): Promise<BenchLiveClient> {
    const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/live`, {
      headers: { Cookie: cookie, Origin: origin },
      perMessageDeflate: false,
      handshakeTimeout: OPEN_TIMEOUT_MS,
      maxPayload: 64 * 1024 * 1024,
    });
    const client = new BenchLiveClient(socket);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no snapshot arrived in time')), OPEN_TIMEOUT_MS);
      socket.on('error', reject);
      socket.on('open', () => client.send({ t: 'hello' }));
      socket.on('close', (code) => reject(new Error(`the live socket was closed (${code})`)));
      socket.on('message', (data: Buffer) => {
        const at = performance.now();
        // From a dashboard of the same build: not validated.
        const message = JSON.parse(data.toString('utf8')) as LiveServerMessage;
        if (message.t === 'snapshot') {
          clearTimeout(timer);
          resolve();
        }
        onMessage(message, at);
      });
    });
    return client;
  }

  send(message: LiveClientMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => this.socket.once('close', () => resolve()));
    this.socket.terminate();
    await closed;
  }
}
