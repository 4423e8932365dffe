/** Answers calls with stores that answer at once. */
import type { DirectStores } from './create-stores';
import { toErrorValue } from './error-value';
import type { Call, FromThread } from './thread-messages';

type Method = (...args: readonly unknown[]) => unknown;

export interface CallAnswerer {
  /** The names of the methods that can be called, by port. */
  methods: Readonly<Record<string, readonly string[]>>;
  /** Runs a call and posts its answer or its error. Never throws because of the call. */
  answer: (call: Call, post: (message: FromThread) => void) => void;
}

export function createCallAnswerer(stores: DirectStores): CallAnswerer {
  const ports = new Map(Object.entries(stores).map(([name, store]) => [name, methodsOf(store)]));
  return {
    methods: Object.fromEntries([...ports].map(([name, methods]) => [name, [...methods.keys()]])),
    answer({ id, port, method, args }, post) {
      try {
        const run = ports.get(port)?.get(method);
        if (run === undefined) throw new Error(`The store has no method ${port}.${method}.`);
        // An answer that can't be cloned throws here, and its error is posted instead.
        post({ kind: 'answer', id, value: run(...args) });
      } catch (error) {
        post({ kind: 'refusal', id, error: toErrorValue(error) });
      }
    },
  };
}

function methodsOf(store: object): ReadonlyMap<string, Method> {
  const entries = Object.entries<unknown>({ ...store });
  return new Map(entries.flatMap(([name, value]) => (isMethod(value) ? [[name, value] as const] : [])));
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}
