import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createForgeFetch, TransportFault } from './transport';

let server: Server | null = null;

async function serve(listener: RequestListener): Promise<string> {
  const made = createServer(listener);
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const address = made.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

afterEach(async () => {
  await new Promise<void>((resolve) => {
    if (server === null) resolve();
    else server.close(() => resolve()).closeAllConnections();
  });
  server = null;
});

describe('a connection that the server closes instead of answering', () => {
  it('is replaced once for a request that only reads', async () => {
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      // The second request comes over the connection of the first one, which the server has just given up.
      if (requests === 2) request.socket.destroy();
      else response.end(`answer ${requests}`);
    });
    const ask = createForgeFetch();
    expect(await (await ask(url, {})).text()).toBe('answer 1');
    expect(await (await ask(url, {})).text()).toBe('answer 3');
  });

  it('is an error when it happens again', async () => {
    let requests = 0;
    const url = await serve((request) => {
      requests += 1;
      request.socket.destroy();
    });
    await expect(createForgeFetch()(url, {})).rejects.toThrow(TransportFault);
    expect(requests).toBe(2);
  });

  it('is an error at once for a request that changes something', async () => {
    let requests = 0;
    const url = await serve((request) => {
      requests += 1;
      request.socket.destroy();
    });
    await expect(createForgeFetch()(url, { method: 'PUT', body: '{}' })).rejects.toMatchObject({
      problem: 'unreachable',
    });
    expect(requests).toBe(1);
  });
});
