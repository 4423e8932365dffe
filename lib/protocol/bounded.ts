/**
 * Schemas that look at a length before they look at anything inside. Zod's `.max()` of an array comes after all of its
 * elements were parsed, and a record has no bound at all: a long one costs its whole length, and an issue for each.
 */
import { z } from 'zod';

/** An array of `min` to `max` elements. */
export function boundedArray<Element extends z.ZodType>(
  element: Element,
  { min = 0, max }: { min?: number; max: number },
) {
  const expected = min === 0 ? `at most ${max}` : `${min} to ${max}`;
  return z
    .custom<z.input<Element>[]>(
      (value) => Array.isArray(value) && value.length >= min && value.length <= max,
      `not an array of ${expected} elements`,
    )
    .pipe(z.array(element));
}

/**
 * At most `max` entries of an object, to be piped into the record's schema, which also refuses what is no object.
 * `entries` is what the message calls them.
 */
export function boundedEntries(max: number, entries: string) {
  return z.custom<Record<string, unknown>>(
    (value) => typeof value !== 'object' || value === null || Object.keys(value).length <= max,
    `not an object of at most ${max} ${entries}`,
  );
}
