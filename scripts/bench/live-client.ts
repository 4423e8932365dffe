/** A browser's socket without a browser: follows the fleet or one command's output, as a page does. */
import { WebSocket } from 'ws';
import type { LiveServerMessage } from '@/lib/protocol/live/to-browser';
import type { LiveClientMessage } from '@/lib/protocol/live/to-dashboard';

const OPEN_TIMEOUT_MS = 10_000;

export class LiveClient {
  private constructor(private readonly socket: WebSocket) {}

  /**
   * Resolves once the first snapshot is there. `onMessage` gets every message with the time at which it came
   * (performance.now(), taken before the message is parsed).
   */
  static async open(
    origin: string,
    cookie: string,
    onMessage: (message: LiveServerMessage, at: number) => void,
  ): Promise<LiveClient> {
    const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/live`, {
      headers: { Cookie: cookie, Origin: origin },
      perMessageDeflate: false,
      handshakeTimeout: OPEN_TIMEOUT_MS,
      maxPayload: 64 * 1024 * 1024,
    });
    const client = new LiveClient(socket);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no snapshot came in time')), OPEN_TIMEOUT_MS);
      socket.on('error', reject);
      socket.on('open', () => client.send({ t: 'hello' }));
      socket.on('close', (code) => reject(new Error(`the live socket was closed (${code})`)));
      socket.on('message', (data: Buffer) => {
        const at = performance.now();
        // Ours and of the same build: parsed as it is.
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
