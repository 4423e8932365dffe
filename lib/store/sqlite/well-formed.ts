/** Text as SQLite stores it. */

const LONE_SURROGATES = /\p{Surrogate}/gu;

/**
 * UTF-8 has no lone surrogates: each becomes U+FFFD. What is stored, hashed and looked up must be this text, because the
 * two drivers (docs/decisions/0014-two-sqlite-drivers.md) write different bytes for a lone surrogate.
 */
export function wellFormed(text: string): string {
  return text.replace(LONE_SURROGATES, '\ufffd');
}
