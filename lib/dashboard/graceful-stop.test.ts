import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { stopInOrder } from './graceful-stop';

it('stores and closes although a peer holds its connection, and only after all services have stopped', async () => {
  const server = createServer();
  const kept: Socket[] = [];
  // As an upgraded socket: no time-out of the server holds, and closeAllConnections does not know it.
  server.on('upgrade', (_request, socket: Socket) => kept.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1' });
  client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await once(server, 'upgrade');

  const order: string[] = [];
  const talker = {
    stop: async (graceMs: number) => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`talker within ${graceMs}`);
    },
  };
  const finish = () => {
    order.push('finish');
    return Promise.resolve();
  };
  await stopInOrder({ server, services: [talker], finish }, 50);
  expect(order).toEqual(['talker within 50', 'finish']);
  client.destroy();
  for (const socket of kept) socket.destroy();
});

it('fails when closing fails', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const finish = () => Promise.reject(new Error('the disk is full'));
  await expect(stopInOrder({ server, services: [], finish })).rejects.toThrow('the disk is full');
});
