/** A stand-in for the Go agent of version 3: it dials and sends the frames that the real one was recorded with. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { AGENT_TOKEN } from './dashboard';

const FRAMES = join(process.cwd(), 'lib/protocol/agent/fixtures/agent-frames.ndjson');
const frameSchema = z.object({ type: z.string(), payload: z.record(z.string(), z.unknown()) });

/** The recorded frame of a type. */
function recorded(type: string): z.infer<typeof frameSchema> {
  const frames = readFileSync(FRAMES, 'utf8')
    .trim()
    .split('\n')
    .map((line) => frameSchema.parse(JSON.parse(line)));
  const frame = frames.find((one) => one.type === type);
  if (!frame) throw new Error(`no recorded frame of type ${type}`);
  return frame;
}

/** Connects as the agent of this host, registers, and sends the first heartbeat once it is registered. */
export async function connectGoAgent(agentUrl: string, hostname: string): Promise<{ end(): void }> {
  const socket = new WebSocket(agentUrl, {
    headers: { authorization: `Bearer ${AGENT_TOKEN}`, 'user-agent': 'Go-http-client/1.1' },
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  const { type, payload } = recorded('register');
  const answered = once(socket, 'message');
  socket.send(JSON.stringify({ type, payload: { ...payload, hostname, theme_color: '#abc' } }));
  await answered;
  socket.send(JSON.stringify(recorded('heartbeat')));
  return { end: () => socket.terminate() };
}
