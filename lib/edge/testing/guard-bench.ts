/** The guard in front of Next, on real sockets, as its tests use it. */
import { afterEach, beforeEach } from 'vitest';
import { refusalOf, type RefusalReason } from '@/lib/protocol/http/request-refusals';
import { startGuarded, type Guarded, type GuardedOptions } from './guarded';

/** What the answer to a refused request says. */
export const refused = (reason: RefusalReason) => refusalOf(reason).sentence;
/** JSON of exactly so many bytes: a list with one text. */
export const jsonOf = (bytes: number) => `["${'x'.repeat(bytes - 4)}"]`;
/** One piece of a chunked body. */
export const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

export interface GuardBench {
  readonly server: Guarded;
  /** Replaces the server by one with other options. */
  readonly restart: (options: GuardedOptions) => Promise<Guarded>;
  /** How many requests were refused for this reason. */
  readonly counted: (reason: RefusalReason) => number;
  /** How many places of a limit are used; -1 if no limit has this id. */
  readonly used: (id: string) => number;
}

/** A new server for each test. By default its handler echoes the body. */
export function useGuardBench(): GuardBench {
  let server: Guarded;
  const serve = async (options: GuardedOptions = {}) => (server = await startGuarded(options));

  beforeEach(() => serve());
  afterEach(() => server.close());

  return {
    get server() {
      return server;
    },
    async restart(options) {
      await server.close();
      return serve(options);
    },
    counted: (reason) => server.counts.refusedByReason().get(reason) ?? 0,
    used: (id) => server.guard.uses().find((use) => use.id === id)?.used ?? -1,
  };
}
