/** What a simulated agent tells of itself, so that a test waits for things that happen and never for time to pass. */

export type AgentEvent =
  | { type: 'open' }
  /** The upgrade was answered with something else than a socket. */
  | { type: 'refused'; status: number }
  /** `first`: of this connection. `protocol`: what is spoken from here on. */
  | { type: 'registered'; first: boolean; protocol: 2 | 3 }
  | { type: 'heartbeat' }
  | { type: 'command'; command: string; id: string | null }
  | { type: 'kill'; signal: string }
  | { type: 'rejected'; command: string; id: string | null }
  /** The agent is done with a command; `result` is the word of its status, null when it gave none. */
  | { type: 'ended'; command: string; id: string | null; result: string | null }
  | { type: 'acknowledged'; id: string; outputSeq: number | null; result: boolean }
  | { type: 'disconnected'; code: number }
  /** The process ended and starts again after a pause. */
  | { type: 'exited' };
export type AgentEventType = AgentEvent['type'];
export type EventOf<T extends AgentEventType> = Extract<AgentEvent, { type: T }>;

type Listener = (event: AgentEvent) => void;

export class Events {
  private readonly listeners = new Set<Listener>();
  private readonly waiting = new Set<(error: Error) => void>();

  emit(event: AgentEvent): void {
    for (const listener of [...this.listeners]) listener(event);
  }

  /** Calls back with every event from now on. Returns the way to end it. */
  on(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** The next event of this type, from now on, for which `test` holds. Rejects when the agent is closed before. */
  next<T extends AgentEventType>(type: T, test: (event: EventOf<T>) => boolean = () => true): Promise<EventOf<T>> {
    return new Promise((resolve, reject) => {
      const stop = this.on((event) => {
        if (!isOf(event, type) || !test(event)) return;
        stop();
        this.waiting.delete(fail);
        resolve(event);
      });
      const fail = (error: Error) => {
        stop();
        reject(error);
      };
      this.waiting.add(fail);
    });
  }

  /** Nothing more will happen. */
  end(reason: string): void {
    for (const fail of this.waiting) fail(new Error(reason));
    this.waiting.clear();
    this.listeners.clear();
  }
}

function isOf<T extends AgentEventType>(event: AgentEvent, type: T): event is EventOf<T> {
  return event.type === type;
}
