/** What every contract suite of a port needs of an engine behind it. */
import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach } from 'vitest';

/** A port on a separate store, which is empty at first. */
export interface OpenPort<Port> {
  store: Port;
  /** Closes the store and opens it again, as a restart would. */
  reopen(): Promise<Port>;
  /** Makes the store refuse every write until it is called with false. */
  refuse(isRefusing: boolean): Promise<void>;
  close(): Promise<void>;
}

export type Open<Port> = () => Promise<OpenPort<Port>>;

/**
 * A separate store for each test, empty at first. `use` gets it, and again what `reopen` has opened. Call it in
 * `describe`: it registers hooks.
 */
export function useStore<Port>(open: Open<Port>, use: (store: Port) => void) {
  let opened: OpenPort<Port>;
  beforeEach(async () => {
    opened = await open();
    use(opened.store);
  });
  afterEach(() => opened.close());
  return {
    /** Gives the store that is open now. */
    reopen: async (): Promise<Port> => {
      const store = await opened.reopen();
      use(store);
      return store;
    },
    refuse: (isRefusing: boolean) => opened.refuse(isRefusing),
  };
}

/** The largest integer that every engine and every program of this project reads the same. */
export const LARGEST = Number.MAX_SAFE_INTEGER;
/** Text with quotes, line breaks, several scripts, and characters of two code units. */
export const UNUSUAL_TEXT = `it's "quoted" \\ %_ \n\t żółć 漢字 \u{1f600} \u2028`;
/** Half of a character of two code units, which no encoding has. */
export const LONE_SURROGATE = '\ud83d';
/** What stands for it where text is stored in UTF-8. */
export const REPLACEMENT = '\ufffd';
/** What every refused write rejects with. */
export const REFUSAL = { name: 'DatabaseError', kind: 'read-only' };
/** What a write rejects with that breaks a rule of the records. */
export const CONSTRAINT = { name: 'DatabaseError', kind: 'constraint' };

/** The same port; a call rejects when structured clone, as between threads, would change an argument or the answer. */
export function throughClone<Port extends object>(store: Port): Port {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]): Promise<unknown> => {
        requireCloneable(`an argument of ${String(name)}`, args);
        const answer: unknown = await Reflect.apply(method, target, args);
        requireCloneable(`the answer of ${String(name)}`, answer);
        return answer;
      };
    },
  });
}

function requireCloneable(what: string, value: unknown): void {
  if (!isDeepStrictEqual(structuredClone(value), value)) throw new Error(`Structured clone changes ${what}.`);
}
