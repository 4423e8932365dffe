/** A port for a server that a test starts again on the same port. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give to whoever asks for any (Linux: from 32768, macOS: from 49152), one of which may be
 * taken while its server is away; above those that browsers refuse.
 */
const FIRST = 11_000;
const LAST = 30_000;

/** A port of 127.0.0.1 that is free now, and that nobody gets without asking for it by its number. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST + 1);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
