/** The main thread's side of one thread of the store: sends calls, and settles them with what the thread answers. */
import { createInterface } from 'node:readline';
import type { Worker } from 'node:worker_threads';
import type { Log } from '@/lib/log';
import { DatabaseError } from '../sqlite/store-errors';
import { fromErrorValue } from './error-value';
import type { StoreVitals } from './store-engine';
import type { FromThread, ThreadRole, ToThread } from './thread-messages';

/** Calls that may wait for a thread at the same time. Each keeps its arguments in memory. */
export const MAX_OUTSTANDING = 20_000;

export interface ThreadLinkOptions {
  role: ThreadRole;
  log: Log;
  /** The thread ended although nobody stopped it. Every call has been rejected. */
  onDeath: (error: Error) => void;
  maxOutstanding?: number;
}

/** The names of the methods that a thread has, by port. */
export type MethodNames = Readonly<Record<string, readonly string[]>>;

interface PendingCall {
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
  /** `performance.now()` of the call. */
  since: number;
}

export class ThreadLink {
  private readonly opening = createDeferred<MethodNames>();
  private readonly closing = createDeferred<undefined>();
  private readonly calls = new Map<number, PendingCall>();
  private lastId = 0;
  private state: 'starting' | 'open' | 'stopping' | 'ended' = 'starting';
  /** The thread's last message: null as error when it closed the file. */
  private last: { error: Error | null } | null = null;
  private crash: Error | null = null;
  private refusesCalls = false;

  constructor(
    private readonly worker: Worker,
    private readonly options: ThreadLinkOptions,
  ) {
    worker.on('message', (message: FromThread) => this.receive(message));
    worker.on('messageerror', (error) => {
      // The call it answers can't be known, so it would wait for ever.
      this.crash = error;
      this.abandon();
    });
    worker.on('error', (error) => {
      this.crash = error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', () => this.ended());
    for (const stream of [worker.stdout, worker.stderr]) {
      createInterface({ input: stream }).on('line', (line) =>
        options.log.warn({ thread: options.role, line }, 'unexpected output from the database thread'),
      );
    }
  }

  /** Resolves when the file is open; rejects when it can't be opened. */
  get ready(): Promise<MethodNames> {
    return this.opening.promise;
  }

  /** It refuses every further call. */
  get isStopping(): boolean {
    return this.refusesCalls;
  }

  /** Nothing uses the file any more. */
  get hasEnded(): boolean {
    return this.state === 'ended';
  }

  /** Calls a method; the answers come in the order of the calls. */
  call(port: string, method: string, args: readonly unknown[]): Promise<unknown> {
    const { role, log, maxOutstanding = MAX_OUTSTANDING } = this.options;
    if (this.refusesCalls || this.state === 'ended') {
      const why = this.refusesCalls ? 'it was closed' : 'its thread has ended';
      return Promise.reject(new DatabaseError('io', `The database can't be used any more: ${why}.`));
    }
    if (this.calls.size >= maxOutstanding) {
      log.error(
        { thread: role, outstanding: this.calls.size },
        'too many calls wait for the database; further calls are refused',
      );
      const problem = `The database does not keep up: ${this.calls.size.toLocaleString('en')} calls wait for it. Nothing was changed.`;
      return Promise.reject(new DatabaseError('busy', problem));
    }
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      // Throws when an argument can't be cloned, which rejects.
      this.send({ kind: 'call', id, port, method, args });
      this.calls.set(id, { resolve, reject, since: performance.now() });
    });
  }

  get vitals(): StoreVitals {
    const [oldest] = this.calls.values();
    return { outstanding: this.calls.size, oldestMs: oldest === undefined ? 0 : performance.now() - oldest.since };
  }

  /** Rejects every further call. */
  refuseCalls(): void {
    this.refusesCalls = true;
  }

  /** Ends the thread after everything that was called before. Rejects when the file could not be closed properly. */
  stop(): Promise<void> {
    this.refuseCalls();
    if (this.state === 'starting' || this.state === 'open') {
      this.state = 'stopping';
      this.send({ kind: 'stop' });
    }
    return this.closing.promise;
  }

  /** Ends the thread without waiting for it: one that waits for a disk ends only after the disk has answered. */
  abandon(): void {
    void this.worker.terminate();
  }

  private send(message: ToThread): void {
    this.worker.postMessage(message);
  }

  private receive(message: FromThread): void {
    switch (message.kind) {
      case 'ready':
        if (this.state === 'starting') this.state = 'open';
        this.opening.resolve(message.methods);
        return;
      case 'answer':
        this.take(message.id)?.resolve(message.value);
        return;
      case 'refusal':
        this.take(message.id)?.reject(fromErrorValue(message.error));
        return;
      case 'log':
        this.options.log[message.level](message.fields, message.message);
        return;
      case 'closed':
        this.last = { error: message.error === null ? null : fromErrorValue(message.error) };
        return;
    }
  }

  private take(id: number): PendingCall | undefined {
    const call = this.calls.get(id);
    this.calls.delete(id);
    return call;
  }

  private ended(): void {
    const before = this.state;
    this.state = 'ended';
    const problem = `The ${this.options.role} thread of the database ended unexpectedly`;
    const why = this.crash === null ? '.' : `: ${this.crash.message}`;
    const death = this.last?.error ?? new DatabaseError('io', problem + why, this.crash ?? undefined);
    const calls = [...this.calls.values()];
    this.calls.clear();
    for (const { reject } of calls) reject(death);
    if (before === 'stopping' && this.last?.error === null) this.closing.resolve(undefined);
    else this.closing.reject(death);
    this.opening.reject(death);
    if (before === 'open') this.options.onDeath(death);
  }
}

interface Deferred<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;
}

/** A rejection that nobody waits for is not an unhandled one. */
function createDeferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => undefined;
  let reject: Deferred<T>['reject'] = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
