/** A network that can pause without closing a connection: what is sent meanwhile is kept. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export class PausableProxy {
  private readonly sockets = new Set<Socket>();
  private held: (() => void)[] | null = null;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** Forwards to a dashboard on this machine. */
  static async start(target: string): Promise<PausableProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const proxy = new PausableProxy(server, `http://localhost:${port}`);
    server.on('connection', (near) => proxy.join(near, connect(Number(new URL(target).port), '127.0.0.1')));
    return proxy;
  }

  pause(): void {
    this.held ??= [];
  }

  resume(): void {
    const waiting = this.held ?? [];
    this.held = null;
    for (const next of waiting) next();
  }

  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(this.server, 'close');
  }

  private join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(this.gate()).pipe(to);
    }
  }

  private gate(): Transform {
    return new Transform({
      transform: (chunk, _encoding, done) => {
        const pass = () => done(null, chunk);
        if (this.held) this.held.push(pass);
        else pass();
      },
    });
  }
}
