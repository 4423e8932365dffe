/** Base32 (RFC 4648) as typed by people and stored by old installations: any case, spaces, dashes, optional padding. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * Decodes a base32 text; null when it is invalid. Left-over bits at the end are ignored, as version 1 and the Go
 * dashboard did, so their secrets stay valid. (otplib refuses such a text, so it gets bytes.)
 */
export function decodeBase32(text: string): Buffer | null {
  const plain = text
    .replace(/[\s-]/g, '')
    .replace(/(?<!=)=+$/, '')
    .toUpperCase();
  // 1, 3 or 6 characters beyond a block of 8 can't come from whole bytes.
  if (plain === '' || !/^[A-Z2-7]+$/.test(plain) || [1, 3, 6].includes(plain.length % 8)) return null;
  const bytes = Buffer.alloc(Math.floor((plain.length * 5) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const character of plain) {
    held = ((held << 5) | ALPHABET.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at] = (held >> bits) & 0xff;
      at += 1;
    }
  }
  return bytes;
}

/** Upper-case, no padding. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt((held >> bits) & 31);
    }
  }
  return bits > 0 ? text + ALPHABET.charAt((held << (5 - bits)) & 31) : text;
}
