/** A forge that answers over HTTP, and the connection to it, as the tests of the connection use them. */
import { afterEach, beforeEach } from 'vitest';
import type { Forge, ForgeResult } from '../forge';
import { createForgejo } from '../forgejo';
import { createGitHub } from '../github';
import { FakeForge, FAKE_FORGE_TOKEN, type Dialect } from './fake-forge';
import { FAKE_FORGE_REPO } from './fake-responses';

/** Where the clock of each test starts. */
export const NOW = Date.parse('2026-02-01T12:00:00Z');
/** For requests that nobody stops. */
export const never = new AbortController().signal;

/** The value of a request that succeeded. Throws if it failed. */
export function value<Value>(result: ForgeResult<Value>): Value {
  if (!result.ok) throw new Error(`${result.fault.kind}: ${result.fault.message}`);
  return result.value;
}

/** The fault of a request that failed. Throws if it succeeded. */
export function problem(result: ForgeResult<unknown>): { kind: string; message: string } {
  if (result.ok) throw new Error(`expected a fault, got ${JSON.stringify(result.value)}`);
  return result.fault;
}

export interface ForgeBench {
  readonly fakeForge: FakeForge;
  /** A connection with a valid token. */
  readonly forge: Forge;
  /** Epoch milliseconds, as the connections see it. */
  time: number;
  /** One more connection, with another address, token or time limit. */
  connect(change?: { url?: string; token?: string | null; timeoutMs?: number }): Forge;
}

/** A new forge, connection and clock for each test. */
export function useForgeBench(dialect: Dialect): ForgeBench {
  let fakeForge: FakeForge;
  let forge: Forge;
  let time: number;

  const connect: ForgeBench['connect'] = (change = {}) => {
    const { url = fakeForge.url, token = FAKE_FORGE_TOKEN, timeoutMs } = change;
    const common = { repo: FAKE_FORGE_REPO, token, now: () => time, elapsed: () => time, timeoutMs };
    return dialect === 'github' ? createGitHub({ apiUrl: url, ...common }) : createForgejo({ url, ...common });
  };

  beforeEach(async () => {
    time = NOW;
    fakeForge = new FakeForge(dialect);
    await fakeForge.start();
    forge = connect();
  });
  afterEach(() => fakeForge.stop());

  return {
    get fakeForge() {
      return fakeForge;
    },
    get forge() {
      return forge;
    },
    get time() {
      return time;
    },
    set time(at) {
      time = at;
    },
    connect,
  };
}
