/** In linear time: a run of slashes is tried once, not from each of its characters. */
const TRAILING_SLASHES = /(?<!\/)\/+$/;

export function withoutTrailingSlashes(text: string): string {
  return text.replace(TRAILING_SLASHES, '');
}
