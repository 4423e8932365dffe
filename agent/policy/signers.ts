/** Reads the keys of an allowed-signers file (ssh-keygen(1), "ALLOWED SIGNERS"). */
import { createHash } from 'node:crypto';

export interface Signer {
  /** As written: a list of patterns. */
  principals: string;
  /** As written; '' without options. */
  options: string;
  keyType: string;
  /** The public key in base64. */
  key: string;
  /** "SHA256:…", as ssh-keygen prints it. */
  fingerprint: string;
}

export type SignersResult = { ok: true; signers: Signer[] } | { ok: false; problem: string };

/** Beyond this many bytes the content is refused. */
export const MAX_SIGNERS_BYTES = 64 * 1024;
const MAX_SIGNERS = 256;
const KEY_TYPE = /^(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]{1,100}$/;

/** Every line has to name a key: a line that ssh-keygen would skip is a mistake that nobody would notice. */
export function parseSigners(content: string): SignersResult {
  const signers: Signer[] = [];
  for (const [index, line] of content.split('\n').entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const signer = signerOf(text);
    if (signer === null) return { ok: false, problem: `line ${index + 1} is not “principal key-type key”` };
    signers.push(signer);
    if (signers.length > MAX_SIGNERS) return { ok: false, problem: `it has more than ${MAX_SIGNERS} keys` };
  }
  return signers.length === 0 ? { ok: false, problem: 'it names no key' } : { ok: true, signers };
}

function signerOf(line: string): Signer | null {
  const [principals = '', ...rest] = words(line);
  const at = rest.findIndex((word) => KEY_TYPE.test(word));
  if (at !== 0 && at !== 1) return null;
  const [keyType = '', key = ''] = rest.slice(at);
  const bytes = Buffer.from(key, 'base64');
  // A key begins with the length and the name of its type (RFC 4253, 6.6).
  if (bytes.length < 4 + keyType.length || bytes.toString('base64') !== key) return null;
  const length = bytes.readUInt32BE(0);
  if (bytes.subarray(4, 4 + length).toString('latin1') !== keyType) return null;
  const digest = createHash('sha256').update(bytes).digest('base64').replace(/=/g, '');
  return { principals, options: at === 1 ? (rest[0] ?? '') : '', keyType, key, fingerprint: `SHA256:${digest}` };
}

/** Words between spaces; a space between quotation marks is part of its word. */
function words(line: string): string[] {
  const found: string[] = [];
  let word = '';
  let isQuoted = false;
  for (const character of line) {
    if (character === '"') isQuoted = !isQuoted;
    if ((character === ' ' || character === '\t') && !isQuoted) {
      if (word !== '') found.push(word);
      word = '';
    } else word += character;
  }
  return word === '' ? found : [...found, word];
}
