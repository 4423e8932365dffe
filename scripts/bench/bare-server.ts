/**
 * The baseline for the dashboard: the minimum that carries the same messages. No database, no checks, no parsing
 * beyond JSON; a heartbeat goes to every browser at once, in a message as large as the dashboard's.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

interface Frame {
  type: string;
  payload: {
    hostname?: string;
    protocol?: number;
    metrics?: unknown;
    command_id?: string;
    lines?: { seq: number; stream: string; line: string }[];
  };
}

const http = createServer((_request, response) => response.end('ok'));
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const browsers = new Set<WebSocket>();
let version = 1;

function publish(message: object): void {
  const text = JSON.stringify(message);
  for (const browser of browsers) browser.send(text);
}

function serveAgent(socket: WebSocket): void {
  let host = '';
  socket.on('message', (data: Buffer) => {
    const { type, payload } = JSON.parse(data.toString('utf8')) as Frame;
    switch (type) {
      case 'register': {
        host = payload.hostname ?? '';
        const three = payload.protocol === 3 ? { protocol: 3 } : {};
        socket.send(JSON.stringify({ type: 'registered', payload: { host_id: host, ...three } }));
        return;
      }
      case 'heartbeat': {
        const hosts = [{ id: host, lastSeenAt: Date.now(), metrics: payload.metrics }];
        publish({ t: 'changes', from: version, version: ++version, hosts });
        return;
      }
      case 'output_batch': {
        const at = Date.now();
        const lines = (payload.lines ?? []).map(({ seq, stream, line }) => ({ seq, at, stream, text: line }));
        publish({ t: 'output', commandId: payload.command_id, lines });
        const ack = { command_id: payload.command_id, output_seq: lines.at(-1)?.seq };
        socket.send(JSON.stringify({ type: 'ack', payload: ack }));
        return;
      }
      case 'status':
        publish({ t: 'output', commandId: payload.command_id, lines: [], done: true });
        socket.send(JSON.stringify({ type: 'ack', payload: { command_id: payload.command_id, result: true } }));
    }
  });
}

function serveBrowser(socket: WebSocket): void {
  browsers.add(socket);
  socket.on('close', () => browsers.delete(socket));
  socket.send(JSON.stringify({ t: 'hello', buildId: '', serverTime: Date.now(), demo: false }));
  socket.send(JSON.stringify({ t: 'snapshot', fleet: { epoch: '', version, hosts: [] } }));
}

http.on('upgrade', (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (ws) => {
    ws.on('error', () => undefined);
    if (request.url === '/live') serveBrowser(ws);
    else serveAgent(ws);
  });
});
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo;
  process.stdout.write(`http://127.0.0.1:${port}\n`);
});
process.on('SIGTERM', () => process.exit(0));
