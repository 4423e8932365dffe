/** The agent's WebSocket: connects, registers, detects a dead link and reconnects (docs/protocol.md, "Every connection"). */
import { WebSocket } from 'ws';
import { plainText } from '@/lib/text/plain-text';
import type { AgentLog } from './log';
import { parseServerFrame } from '@/lib/protocol/agent/parse-server-frame';
import { BASE_FRAMES } from '@/lib/protocol/agent/accepts';
import { PROTOCOL_WITH_IDS } from '@/lib/protocol/agent/generations';
import type { AgentFrameInput } from '@/lib/protocol/agent/from-agent';
import type { ReceivedServerFrame } from '@/lib/protocol/agent/to-agent';
import { MAX_AGENT_FRAME_BYTES } from '@/lib/protocol/agent/frame-limits';

export const HANDSHAKE_TIMEOUT_MS = 10_000;
export const PING_INTERVAL_MS = 10_000;
export const SILENCE_TIMEOUT_MS = 45_000;
export const FIRST_DELAY_MS = 1_000;
export const MAX_DELAY_MS = 60_000;
/** After a registration that lasted this long, the next delay starts from the first again. */
const STABLE_AFTER_MS = 10_000;
/** A registration without an answer for this long means that the dashboard holds the connection. */
const ADMISSION_NOTICE_MS = 15_000;
/** With more than this in the socket's buffer, output waits in the outbox. */
const CONGESTED_BYTES = 1024 * 1024;
const CLOSE_TIMEOUT_MS = 2_000;

type Registered = Extract<ReceivedServerFrame, { type: 'registered' }>['payload'];
export type RegisterFrame = Extract<AgentFrameInput, { type: 'register' }>;

export interface DashboardConnectionOptions {
  url: string;
  /** Called before each attempt to connect. */
  token: () => Promise<string>;
  onTokenRefused: () => void;
  userAgent: string;
  log: AgentLog;
  /** Makes the first frame of a connection. Called before each attempt to connect. */
  register: () => Promise<RegisterFrame>;
  /** Called for every `registered`; `first` is true for the first one of a connection. */
  onRegistered: (payload: Registered, first: boolean) => void;
  onFrame: (frame: Exclude<ReceivedServerFrame, { type: 'registered' }>) => void;
  /** The socket is no longer congested. */
  onDrain: () => void;
  /** Gives a number from 0 to below 1. */
  random?: () => number;
  /** The types of frames that every dashboard reads; any other one is sent only where `registered` names it. */
  baseFrames?: ReadonlySet<string>;
  pingIntervalMs?: number;
  silenceTimeoutMs?: number;
  admissionNoticeMs?: number;
}

export interface DashboardConnection {
  start: () => void;
  /** `registered` was received and the socket is not congested. */
  ready: () => boolean;
  /** Whether the dashboard answered with protocol 3 on this connection. */
  withIds: () => boolean;
  /** Whether the dashboard named this addition in `registered` on this connection. */
  accepts: (name: string) => boolean;
  /** Sends the frame when registered and when the dashboard reads frames of this type, else drops it. */
  send: (frame: AgentFrameInput) => void;
  /** When the current connection was dialled, by `performance.now()`; null without one. */
  dialledAt: () => number | null;
  /** Closes the connection and dials again at once. */
  reconnect: () => void;
  /** Closes with 1000 and never reconnects. Resolves when the socket is closed and everything was sent. */
  close: (reason: string) => Promise<void>;
}

/** Milliseconds before reconnect `attempt` (0: the first after a loss): 1 s doubling to 60 s, times a factor between 0.5 and 1. */
export function reconnectDelayMs(attempt: number, random: () => number): number {
  const full = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 16));
  return Math.round(full * (0.5 + random() / 2));
}

export function createDashboardConnection(options: DashboardConnectionOptions): DashboardConnection {
  const { log, random = Math.random, baseFrames = BASE_FRAMES } = options;
  const {
    pingIntervalMs = PING_INTERVAL_MS,
    silenceTimeoutMs = SILENCE_TIMEOUT_MS,
    admissionNoticeMs = ADMISSION_NOTICE_MS,
  } = options;
  let socket: WebSocket | null = null;
  let dialledAt = 0;
  /** The next dial does not wait. */
  let atOnce = false;
  let registered: { protocol: number; accepts: readonly string[]; at: number } | null = null;
  let attempt = 0;
  let closing = false;
  let redial: NodeJS.Timeout | null = null;

  async function dial(): Promise<void> {
    redial = null;
    let token: string;
    try {
      token = await options.token();
    } catch (error) {
      log.error(error instanceof Error ? error.message : 'no token is available');
      redialLater();
      return;
    }
    let register: RegisterFrame;
    try {
      register = await options.register();
    } catch (error) {
      log.error(`could not prepare the registration: ${error instanceof Error ? error.message : 'unknown reason'}`);
      redialLater();
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
    dialledAt = performance.now();
    const silence = setTimeout(() => {
      log.warn(`nothing received from the dashboard for ${silenceTimeoutMs / 1000} s: reconnecting`);
      current.terminate();
    }, silenceTimeoutMs);
    const alive = (): void => void silence.refresh();
    const pings = setInterval(() => {
      if (current.readyState === WebSocket.OPEN) current.ping();
    }, pingIntervalMs);

    let admission: NodeJS.Timeout | undefined;

    current.on('open', () => {
      opened = true;
      admission = setTimeout(() => {
        if (registered === null)
          log.warn(
            `the dashboard has not admitted this host as "${register.payload.hostname ?? ''}": it may wait for approval, the name may be invalid or used by another agent, or the token may be another host's. The dashboard shows the reason.`,
          );
      }, admissionNoticeMs);
      alive();
      current.send(JSON.stringify(register));
      log.debug('connected, registering');
    });
    current.on('ping', alive);
    current.on('pong', alive);
    current.on('message', (data, isBinary) => {
      alive();
      if (isBinary) log.warn('ignored a binary frame');
      else if (Buffer.isBuffer(data)) receive(data);
    });
    current.on('unexpected-response', (_request, response) => {
      explained = true;
      explainResponse(response.statusCode ?? 0, response.headers.location);
      // Ends the handshake: 'close' follows and schedules the next attempt.
      current.terminate();
    });
    current.on('error', (error) => {
      if (!explained) log.warn(`the dashboard can't be reached: ${explainError(error)}`);
      explained = true;
    });
    current.on('close', (code, reason) => {
      clearInterval(pings);
      clearTimeout(admission);
      clearTimeout(silence);
      if (socket === current) socket = null;
      if (registered !== null && performance.now() - registered.at >= STABLE_AFTER_MS) attempt = 0;
      registered = null;
      if (opened && !closing)
        log.warn(`the connection closed (${code}${reason.length > 0 ? ` ${reason.toString()}` : ''})`);
      redialLater();
    });
  }

  function redialLater(): void {
    if (closing || redial !== null) return;
    const delay = atOnce ? 0 : reconnectDelayMs(attempt, random);
    if (!atOnce) attempt++;
    atOnce = false;
    log.info(`reconnecting in ${(delay / 1000).toFixed(1)} s`);
    redial = setTimeout(() => void dial(), delay);
  }

  function receive(data: Buffer): void {
    const parsed = parseServerFrame(data);
    if (parsed.kind !== 'frame') {
      // A newer dashboard may send unknown types; anything that is not a frame is worth a warning.
      if (parsed.kind === 'malformed') log.warn(`ignored a frame: ${parsed.problem}`);
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
    registered = { protocol, accepts: frame.payload.accepts ?? [], at: registered?.at ?? performance.now() };
    if (first) log.info(`registered (protocol ${protocol >= PROTOCOL_WITH_IDS ? PROTOCOL_WITH_IDS : 2})`);
    options.onRegistered(frame.payload, first);
  }

  function explainResponse(status: number, location: string | undefined): void {
    if (status === 401) {
      log.error(
        'the dashboard refused the token (401): set NIXFLEET_TOKEN (or the file that NIXFLEET_TOKEN_FILE names) to the shared token or to this host’s token, or set NIXFLEET_ENROLMENT_CODE to a new code; then restart the agent',
      );
      options.onTokenRefused();
    } else if (status === 429)
      log.error(
        'the dashboard refused the token and limits attempts from this address (429): set NIXFLEET_TOKEN, or the file of NIXFLEET_TOKEN_FILE, to a valid token, and restart the agent',
      );
    else if (status >= 300 && status < 400)
      log.error(
        `the dashboard answered with a redirect (${status}) to ${plainText(location ?? 'nowhere', 200)}, which the agent never follows: set NIXFLEET_URL to the final address, with ws:// or wss:// and /ws`,
      );
    else if (status === 404)
      log.error(
        'this address has no agent socket (404): NIXFLEET_URL must end in /ws, for example wss://fleet.example.com/ws',
      );
    else log.warn(`the dashboard answered ${status} instead of opening the socket`);
  }

  function usable(): boolean {
    return registered !== null && socket?.readyState === WebSocket.OPEN;
  }

  const accepts = (name: string): boolean => registered?.accepts.includes(name) === true;

  return {
    start: () => void dial(),
    ready: () => usable() && (socket?.bufferedAmount ?? 0) < CONGESTED_BYTES,
    accepts,
    withIds: () => registered !== null && registered.protocol >= PROTOCOL_WITH_IDS,
    send(frame) {
      const current = socket;
      if (current === null || !usable()) return;
      // A dashboard of 4.0.0 or older would report the frame as unknown.
      if (!baseFrames.has(frame.type) && !accepts(frame.type)) {
        log.debug(`did not send a frame of type ${frame.type}: the dashboard does not accept it`);
        return;
      }
      const wasCongested = current.bufferedAmount >= CONGESTED_BYTES;
      current.send(JSON.stringify(frame), () => {
        if (current === socket && current.bufferedAmount < CONGESTED_BYTES) options.onDrain();
      });
      if (!wasCongested && current.bufferedAmount >= CONGESTED_BYTES)
        log.debug('the socket is congested: output waits');
    },
    dialledAt: () => (socket === null ? null : dialledAt),
    reconnect() {
      const current = socket;
      if (current === null) return;
      atOnce = true;
      // The other side may be gone: then its answer to the close never comes.
      const timer = setTimeout(() => current.terminate(), CLOSE_TIMEOUT_MS);
      current.once('close', () => clearTimeout(timer));
      if (current.readyState === WebSocket.OPEN) current.close(1000, 'reconnect');
      else current.terminate();
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
    return 'nothing listens there (ECONNREFUSED): check that the dashboard runs, and the port in NIXFLEET_URL';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `its name can't be resolved (${code}): check the network, and the name in NIXFLEET_URL`;
  return plainText(code === '' ? error.message : `${error.message} (${code})`, 300);
}
