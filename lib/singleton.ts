/**
 * State that exists once in the process. Next loads separate instances of modules that `server.ts` also loads, so a
 * module-level variable would exist several times; `globalThis` exists once.
 */
export function singleton<T>(name: string, create: () => T): T {
  const key = Symbol.for(`nixfleet.${name}`);
  const holder = globalThis as Record<symbol, unknown>;
  holder[key] ??= create();
  return holder[key] as T;
}
