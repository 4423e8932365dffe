/** Errors of SQLite leave a store as DatabaseErrors, whichever method they come from. */
import { asDatabaseError } from './store-errors';

/** The same store; what its methods throw is a DatabaseError about the file at `path`. */
export function withDatabaseErrors<Store extends object>(store: Store, path: string): Store {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]): unknown => {
        try {
          return Reflect.apply(method, target, args);
        } catch (error) {
          throw asDatabaseError(error, path);
        }
      };
    },
  });
}
