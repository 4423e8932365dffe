/** Reading a body within its time. What else bounds it is in `request-guard-refusals.test.ts`. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { afterEach, expect, it } from 'vitest';
import { readBody, type Body } from './request-body';

let server: Server;
let client: Socket;
afterEach(async () => {
  client.destroy();
  server.close();
  await once(server, 'close');
});

/** Reads the body of the one request that a client begins. */
async function reading(maxMs: number): Promise<{ body: Promise<Body> }> {
  let settle: (body: Promise<Body>) => void = () => undefined;
  const begun = new Promise<{ body: Promise<Body> }>((resolve) => (settle = (body) => resolve({ body })));
  server = createServer((request, response) => settle(readBody(request, response, { maxBytes: 100, maxMs })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345');
  return begun;
}

it('ends when a body does not arrive in time', async () => {
  const { body } = await reading(50);
  expect(await body).toEqual({ kind: 'too-slow' });
});

it('ends when the client leaves', async () => {
  const { body } = await reading(60_000);
  client.destroy();
  expect(await body).toEqual({ kind: 'gone' });
});

/** Keeps this process from doing anything else. */
function holdLoop(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

it('reads what has arrived before it times out', async () => {
  const { body } = await reading(200);
  client.write('67890');
  holdLoop(230);
  expect(await body).toEqual({ kind: 'body', bytes: Buffer.from('1234567890') });
});

it('does not count time in which the process itself was busy', async () => {
  const { body } = await reading(200);
  holdLoop(2_000);
  // Some turns of the loop later, so that nothing has arrived when the time would have been over.
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  client.write('67890');
  expect(await body).toEqual({ kind: 'body', bytes: Buffer.from('1234567890') });
});
