/** Errors as values that cross threads. Structured clone keeps neither the class, the kind nor the code. */
import { DatabaseError, errorCode, type DatabaseErrorKind } from '../sqlite/store-errors';

export interface ErrorValue {
  name: string;
  message: string;
  stack: string;
  /** Of a DatabaseError; null for any other error. */
  kind: DatabaseErrorKind | null;
  /** Of SQLite or the system; empty without one. */
  code: string;
}

export function toErrorValue(error: unknown): ErrorValue {
  const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  return { name, message, stack, kind: error instanceof DatabaseError ? error.kind : null, code: errorCode(error) };
}

/** The error again: a DatabaseError with its kind, or an Error. `errorCode` finds the code of both. */
export function fromErrorValue({ name, message, stack, kind, code }: ErrorValue): Error {
  const withCode = (error: Error) => (code === '' ? error : Object.assign(error, { code }));
  if (kind === null) {
    return withCode(Object.assign(new Error(message), { name, stack }));
  }
  const cause = code === '' ? undefined : withCode(new Error(message));
  return Object.assign(new DatabaseError(kind, message, cause), { stack });
}
