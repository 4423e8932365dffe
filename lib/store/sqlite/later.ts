/** Ports answer later; SQLite answers at once. These connect the two where the database is used in this thread. */

/** A port as SQLite implements it: the same methods, answered at once. */
export type Direct<Port> = {
  [Name in keyof Port]: Port[Name] extends (...args: infer Args) => Promise<infer Answer>
    ? (...args: Args) => Answer
    : never;
};

type Method = (...args: unknown[]) => unknown;

/**
 * The port over stores in this thread: each call runs at once, in the order of the calls, and its answer or its error
 * arrives as a promise. Programs that nobody waits for (commands, tests) use it; the dashboard has a thread for the file.
 */
export function answerLater<Port>(direct: Direct<Port>): Port {
  const methods = Object.entries<unknown>(direct).flatMap(([name, method]) =>
    isMethod(method) ? [[name, async (...args: unknown[]) => Promise.resolve(method(...args))] as const] : [],
  );
  // `Direct` is `Port` without its promises, and each method above adds its promise again.
  return Object.fromEntries(methods) as Port;
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}
