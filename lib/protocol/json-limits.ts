/**
 * Limits on JSON from the network, checked on its bytes before it is parsed: a parser's time and memory grow with the
 * number and the nesting of values, not only with bytes.
 */

export interface JsonLimits {
  /** Levels of nested arrays and objects. */
  maxDepth: number;
  /** All values: elements, members, and the arrays and objects that contain them. */
  maxValues: number;
}

export type JsonExcess = 'too-deep' | 'too-many-values';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Which limit a JSON text (UTF-8) exceeds, or null. One pass, which ends where a limit is exceeded. It does not check
 * that the text is JSON: for any other text the result means nothing, and the parser refuses it.
 */
export function jsonExcess(json: Buffer, { maxDepth, maxValues }: JsonLimits): JsonExcess | null {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) {
      at = endOfString(json, at + 1);
    } else if (byte === COMMA) {
      values += 1;
    } else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      values += 1;
      depth += 1;
      if (depth > maxDepth) return 'too-deep';
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) {
      depth -= 1;
    }
    if (values > maxValues) return 'too-many-values';
  }
  return null;
}

/** The index of the quote that ends a string whose content begins at `from`; the length for a string without an end. */
function endOfString(json: Buffer, from: number): number {
  for (let at = from; ;) {
    const quote = json.indexOf(QUOTE, at);
    if (quote < 0) return json.length;
    let backslashes = 0;
    while (quote - 1 - backslashes >= from && json[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    // A quote after an even number of backslashes is not escaped.
    if (backslashes % 2 === 0) return quote;
    at = quote + 1;
  }
}
