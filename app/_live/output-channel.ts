/**
 * Follows the output of commands over the live socket. Each subscriber names its last line; after a reconnect the channel
 * requests the lines after the last received one, so that nothing is lost or repeated.
 */
import type { LiveServerMessage } from '@/lib/protocol/live/to-browser';
import type { LiveClientMessage } from '@/lib/protocol/live/from-browser';

export type OutputMessage = Extract<LiveServerMessage, { t: 'output' | 'no-output' }>;
export type OutputListener = (message: OutputMessage) => void;

interface Subscriber {
  listener: OutputListener;
  /** Number of the subscriber's last line. */
  lastSeq: number;
  /** The output is complete or unavailable. */
  ended: boolean;
}

export class OutputChannel {
  private readonly commands = new Map<string, Set<Subscriber>>();
  private send: ((message: LiveClientMessage) => void) | null = null;

  /**
   * Follows a command's output from the line after `after` (0: from the first). The listener gets lines in the order
   * of their numbers, without repeats. Returns a function that stops.
   */
  readonly subscribeOutput = (commandId: string, after: number, listener: OutputListener): (() => void) => {
    const subscriber: Subscriber = { listener, lastSeq: after, ended: false };
    const subscribers = this.commands.get(commandId) ?? new Set();
    this.commands.set(commandId, subscribers.add(subscriber));
    this.watch(commandId, subscribers);
    return () => {
      subscribers.delete(subscriber);
      if (subscribers.size > 0 || this.commands.get(commandId) !== subscribers) return;
      this.commands.delete(commandId);
      this.send?.({ t: 'unwatch', commandId });
    };
  };

  /** A socket has been opened. */
  connected(send: (message: LiveClientMessage) => void): void {
    this.send = send;
    for (const [commandId, subscribers] of this.commands) this.watch(commandId, subscribers);
  }

  disconnected(): void {
    this.send = null;
  }

  receive(message: OutputMessage): void {
    // A copy, because a listener may unsubscribe or subscribe in its callback.
    for (const subscriber of [...(this.commands.get(message.commandId) ?? [])]) {
      if (message.t === 'no-output') {
        subscriber.ended = true;
        subscriber.listener(message);
        continue;
      }
      const { lastSeq } = subscriber;
      const lines =
        (message.lines[0]?.seq ?? 0) > lastSeq ? message.lines : message.lines.filter((line) => line.seq > lastSeq);
      subscriber.lastSeq = lines.at(-1)?.seq ?? lastSeq;
      if (message.done) subscriber.ended = true;
      if (lines.length > 0 || message.done) subscriber.listener({ ...message, lines });
    }
  }

  /** Requests from the earliest line that a subscriber is missing; the others do not get lines again. */
  private watch(commandId: string, subscribers: ReadonlySet<Subscriber>): void {
    const waiting = [...subscribers].filter((subscriber) => !subscriber.ended);
    if (waiting.length === 0) return;
    this.send?.({ t: 'watch', commandId, after: Math.min(...waiting.map((subscriber) => subscriber.lastSeq)) });
  }
}
