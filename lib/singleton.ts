/**
 * State that lives once in the process. Next loads its own instances of modules that `server.ts` loads too, so a
 * module-level variable would exist several times; `globalThis` exists once.
 */
export function singleton<T>(name: string, create: () => T): T {
  const key = Symbol.for(`nixfleet.${name}`);
  const holder = globalThis as Record<symbol, unknown>;
  holder[key] ??= create();
  return holder[key] as T;
}
