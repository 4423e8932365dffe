/**
 * Schemas that check a length before any element. Zod checks `.max()` of an array after it has parsed all elements, and
 * a record has no limit at all: a long one would cost time and an issue for each element.
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
 * An object of at most `max` entries. Pipe it into the schema of the record, which refuses what is not an object.
 * `entries` names them in the message.
 */
export function boundedEntries(max: number, entries: string) {
  return z.custom<Record<string, unknown>>(
    (value) => typeof value !== 'object' || value === null || Object.keys(value).length <= max,
    `not an object of at most ${max} ${entries}`,
  );
}
