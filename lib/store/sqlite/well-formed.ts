/** Text as SQLite stores it. */

const LONE_SURROGATES = /\p{Surrogate}/gu;

/**
 * UTF-8 has no lone surrogates: each becomes U+FFFD. What is stored, hashed and looked up must be this text, because
 * better-sqlite3 12 stores three bytes for each that are not UTF-8, and reads them back as three U+FFFD.
 */
export function wellFormed(text: string): string {
  return text.replace(LONE_SURROGATES, '\ufffd');
}
