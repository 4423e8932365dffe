/** Events of a simulated agent: a test waits for them and never for time to pass. */

export type AgentEvent =
  | { type: 'open' }
  /** The upgrade was refused. */
  | { type: 'refused'; status: number }
  /** `first`: of this connection. `protocol`: the negotiated one. */
  | { type: 'registered'; first: boolean; protocol: 2 | 3 }
  | { type: 'heartbeat' }
  | { type: 'command'; command: string; id: string | null }
  | { type: 'kill'; signal: string }
  /** The dashboard's answer to a confirmed switch. */
  | { type: 'confirm'; id: string; keep: boolean; byOperator: boolean }
  | { type: 'rejected'; command: string; id: string | null }
  /** A command ended; `result` is its status, null when it sent none. */
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

  /** Calls the listener with every event from now on. Returns a function that removes it. */
  on(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** The next event of this type that passes `test`. Rejects when the agent is closed before that. */
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

  /** Ends all waits and removes all listeners. */
  end(reason: string): void {
    for (const fail of this.waiting) fail(new Error(reason));
    this.waiting.clear();
    this.listeners.clear();
  }
}

function isOf<T extends AgentEventType>(event: AgentEvent, type: T): event is EventOf<T> {
  return event.type === type;
}
