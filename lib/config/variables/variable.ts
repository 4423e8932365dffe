/** What defines an environment variable. */
import type { SettingView } from '@/lib/dashboard/runtime';
import type { Parser } from '../parsers';

export interface Variable<T> {
  name: string;
  prose: string;
  parse: Parser<T>;
  /** The value where the variable is unset or empty. */
  fallback: T;
  /** The fallback in words, for people. */
  fallbackText: string;
  /** Where the value comes from when the variable is unset; 'default' when not given. */
  fallbackSource?: SettingView['source'];
  /** A secret is never shown. An address may hold credentials, which are removed before it is shown. */
  shows?: 'secret' | 'address';
  /** A name from version 1 that is still accepted, and how its value is converted. */
  formerly?: { name: string; convert?: (raw: string) => string };
}

/** A definition, with the type of its value taken from its parser. */
export const variable = <T>(definition: Variable<T>): Variable<T> => definition;

/** A parser whose value may also be absent. */
export const optional = <T>(parse: Parser<T>): Parser<T | null> => parse;

export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;
