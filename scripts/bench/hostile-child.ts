/** Sends requests that cost more to read than to send, in a separate process, until it is killed. `node … <port>` */
import { connect } from 'node:net';

const CONNECTIONS = 8;
const PAUSE_MS = 5;
const port = Number(process.argv[2]);

const brackets = Buffer.alloc(1_000_000, '[');
const wide = Buffer.from(`[${'1,'.repeat(400_000)}1]`);
const part = '--x\r\nContent-Disposition: form-data; name="1"\r\n\r\n[]\r\n';
const parts = Buffer.from(`${part.repeat(20_000)}--x--\r\n`);
const action = `7f${'0'.repeat(40)}`;

const REQUESTS: readonly { path: string; type: string; body: Buffer; headers?: string }[] = [
  { path: '/api/auth/callback/credentials', type: 'application/json', body: Buffer.alloc(9_900_000, '[') },
  { path: '/login', type: 'text/plain', body: brackets, headers: `next-action: ${action}\r\n` },
  { path: '/', type: 'text/plain', body: wide, headers: `next-action: ${action}\r\n` },
  { path: '/setup', type: 'multipart/form-data; boundary=x', body: parts, headers: `next-action: ${action}\r\n` },
  { path: '/api/auth/signout', type: 'application/x-www-form-urlencoded', body: Buffer.alloc(1_000_000, 'a=b&') },
  { path: '/no/such/page', type: 'text/plain', body: brackets },
];

/** Resolves when the server has ended the connection. */
function send(index: number): Promise<void> {
  const request = REQUESTS[index % REQUESTS.length];
  if (request === undefined) return Promise.resolve();
  const { path, type, body, headers = '' } = request;
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers}` +
        `content-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
  });
}

async function sendForever(from: number): Promise<void> {
  for (let index = from; ; index += 1) {
    await send(index);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

for (let line = 0; line < CONNECTIONS; line += 1) void sendForever(line);
