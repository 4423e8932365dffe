/** The agent's one WebSocket: dials, registers, watches for life, and dials again (docs/protocol.md, "Every connection"). */
import { WebSocket } from 'ws';
import { plainText } from '@/lib/text/plain-text';
import type { Log } from './log';
import { parseServerFrame } from '@/lib/protocol/agent/parse-server-frame';
import { PROTOCOL_WITH_IDS } from '@/lib/protocol/agent/generations';
import type { AgentFrameInput } from '@/lib/protocol/agent/to-dashboard';
import type { ReceivedServerFrame } from '@/lib/protocol/agent/to-agent';
import { MAX_AGENT_FRAME_BYTES } from '@/lib/protocol/agent/frame-limits';

export const HANDSHAKE_TIMEOUT_MS = 10_000;
export const PING_INTERVAL_MS = 10_000;
export const SILENCE_TIMEOUT_MS = 45_000;
export const FIRST_DELAY_MS = 1_000;
export const MAX_DELAY_MS = 60_000;
/** A registration that held this long was a good one: the next delay is the first again. */
const STABLE_AFTER_MS = 10_000;
/** More than this in the socket's buffer, and output waits in the outbox instead. */
const CONGESTED_BYTES = 1024 * 1024;
const CLOSE_TIMEOUT_MS = 2_000;

type Registered = Extract<ReceivedServerFrame, { type: 'registered' }>['payload'];
export type RegisterFrame = Extract<AgentFrameInput, { type: 'register' }>;

export interface ConnectionOptions {
  url: string;
  /** Asked for before each dial. */
  token: () => Promise<string>;
  onTokenRefused: () => void;
  userAgent: string;
  log: Log;
  /** The first frame of a connection. Asked for before each dial; may take a moment. */
  register: () => Promise<RegisterFrame>;
  /** Every `registered`; `first` for the first one of a connection. */
  onRegistered: (payload: Registered, first: boolean) => void;
  onFrame: (frame: Exclude<ReceivedServerFrame, { type: 'registered' }>) => void;
  /** The socket was congested and is not any more. */
  onDrain: () => void;
  /** A number from 0 to below 1. */
  random?: () => number;
  pingIntervalMs?: number;
  silenceTimeoutMs?: number;
}

export interface Connection {
  start: () => void;
  /** `registered` was received and the socket takes more. */
  ready: () => boolean;
  /** Whether the dashboard answered with protocol 3 on this connection. */
  withIds: () => boolean;
  /** Sends when registered; drops the frame otherwise. */
  send: (frame: AgentFrameInput) => void;
  /** Says goodbye (1000) and never dials again. Resolves when the socket is closed and what was sent is out. */
  close: (reason: string) => Promise<void>;
}

/** The delay before dial `attempt` (0: the first after a loss): 1 s doubling to 60 s, times a factor between 0.5 and 1. */
export function reconnectDelayMs(attempt: number, random: () => number): number {
  const full = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 16));
  return Math.round(full * (0.5 + random() / 2));
}

export function createConnection(options: ConnectionOptions): Connection {
  const { log, random = Math.random } = options;
  const { pingIntervalMs = PING_INTERVAL_MS, silenceTimeoutMs = SILENCE_TIMEOUT_MS } = options;
  let socket: WebSocket | null = null;
  let registered: { protocol: number; at: number } | null = null;
  let attempt = 0;
  let closing = false;
  let redial: NodeJS.Timeout | null = null;

  async function dial(): Promise<void> {
    redial = null;
    let token: string;
    try {
      token = await options.token();
    } catch (error) {
      log.error(error instanceof Error ? error.message : 'there is no token to dial with');
      again();
      return;
    }
    let register: RegisterFrame;
    try {
      register = await options.register();
    } catch (error) {
      log.error(`what to register could not be gathered: ${error instanceof Error ? error.message : 'unknown reason'}`);
      again();
      return;
    }
    if (closing) return;
    let opened = false;
    let explained = false;
    const current = new WebSocket(options.url, {
      headers: { Authorization: `Bearer ${token}`, 'User-Agent': options.userAgent },
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      followRedirects: false,
      maxPayload: MAX_AGENT_FRAME_BYTES,
    });
    socket = current;
    const silence = setTimeout(() => {
      log.warn(`nothing heard from the dashboard for ${silenceTimeoutMs / 1000} s: dialling again`);
      current.terminate();
    }, silenceTimeoutMs);
    const alive = (): void => void silence.refresh();
    const pings = setInterval(() => {
      if (current.readyState === WebSocket.OPEN) current.ping();
    }, pingIntervalMs);

    current.on('open', () => {
      opened = true;
      alive();
      current.send(JSON.stringify(register));
      log.debug('connected, registering');
    });
    current.on('ping', alive);
    current.on('pong', alive);
    current.on('message', (data, isBinary) => {
      alive();
      if (isBinary) log.warn('a binary frame was ignored');
      else if (Buffer.isBuffer(data)) receive(data);
    });
    current.on('unexpected-response', (_request, response) => {
      explained = true;
      explainAnswer(response.statusCode ?? 0, response.headers.location);
      // Ends the handshake, which brings 'close' and so the next try.
      current.terminate();
    });
    current.on('error', (error) => {
      if (!explained) log.warn(`the dashboard can't be reached: ${explainError(error)}`);
      explained = true;
    });
    current.on('close', (code, reason) => {
      clearInterval(pings);
      clearTimeout(silence);
      if (socket === current) socket = null;
      if (registered !== null && Date.now() - registered.at >= STABLE_AFTER_MS) attempt = 0;
      registered = null;
      if (opened && !closing)
        log.warn(`the connection was closed (${code}${reason.length > 0 ? ` ${reason.toString()}` : ''})`);
      again();
    });
  }

  function again(): void {
    if (closing || redial !== null) return;
    const delay = reconnectDelayMs(attempt, random);
    attempt++;
    log.info(`dialling again in ${(delay / 1000).toFixed(1)} s`);
    redial = setTimeout(() => void dial(), delay);
  }

  function receive(data: Buffer): void {
    const parsed = parseServerFrame(data);
    if (parsed.kind !== 'frame') {
      // Unknown types are a newer dashboard's business; what is no frame at all is worth a word.
      if (parsed.kind === 'malformed') log.warn(`${parsed.problem}: ignored`);
      else log.debug(parsed.problem);
      return;
    }
    const { frame } = parsed;
    if (frame.type !== 'registered') {
      options.onFrame(frame);
      return;
    }
    const first = registered === null;
    const protocol = frame.payload.protocol ?? 2;
    registered = { protocol, at: registered?.at ?? Date.now() };
    if (first) log.info(`registered (protocol ${protocol >= PROTOCOL_WITH_IDS ? PROTOCOL_WITH_IDS : 2})`);
    options.onRegistered(frame.payload, first);
  }

  function explainAnswer(status: number, location: string | undefined): void {
    if (status === 401) {
      log.error(
        'the dashboard refused the token (401): set NIXFLEET_TOKEN, or the file of NIXFLEET_TOKEN_FILE, to the token that the dashboard was given or made for this host, or NIXFLEET_ENROLMENT_CODE to a new code, and restart the agent',
      );
      options.onTokenRefused();
    } else if (status === 429)
      log.error(
        'the dashboard refused the token and makes this address wait (429): set NIXFLEET_TOKEN, or the file of NIXFLEET_TOKEN_FILE, to a token that is good, and restart the agent',
      );
    else if (status >= 300 && status < 400)
      log.error(
        `the dashboard answered with a redirect (${status}) to ${plainText(location ?? 'nowhere', 200)}, which is never followed: set NIXFLEET_URL to the address itself, with ws:// or wss:// and /ws`,
      );
    else if (status === 404)
      log.error(
        'there is no agent socket at this address (404): NIXFLEET_URL must end in /ws, as wss://fleet.example.com/ws',
      );
    else log.warn(`the dashboard answered ${status} instead of opening the socket`);
  }

  function usable(): boolean {
    return registered !== null && socket?.readyState === WebSocket.OPEN;
  }

  return {
    start: () => void dial(),
    ready: () => usable() && (socket?.bufferedAmount ?? 0) < CONGESTED_BYTES,
    withIds: () => registered !== null && registered.protocol >= PROTOCOL_WITH_IDS,
    send(frame) {
      const current = socket;
      if (current === null || !usable()) return;
      const wasCongested = current.bufferedAmount >= CONGESTED_BYTES;
      current.send(JSON.stringify(frame), () => {
        if (current === socket && current.bufferedAmount < CONGESTED_BYTES) options.onDrain();
      });
      if (!wasCongested && current.bufferedAmount >= CONGESTED_BYTES)
        log.debug('the socket is congested: output waits');
    },
    async close(reason) {
      closing = true;
      if (redial !== null) clearTimeout(redial);
      const current = socket;
      if (current === null) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => current.terminate(), CLOSE_TIMEOUT_MS);
        current.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        if (current.readyState === WebSocket.OPEN) current.close(1000, reason);
        else current.terminate();
      });
    },
  };
}

function explainError(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ECONNREFUSED')
    return 'nothing listens there (ECONNREFUSED); is the dashboard running, and the port right?';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `its name can't be resolved (${code}); is the network up, and the name right?`;
  return plainText(code === '' ? error.message : `${error.message} (${code})`, 300);
}
