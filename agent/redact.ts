/** Removes secrets from everything that leaves the agent: output lines, messages, logs. */
import { withoutEscapes } from '@/lib/text/plain-text';

export type Redact = (text: string) => string;

/** Shorter values are not replaced: a two-letter password would match in every line. */
const SHORTEST_SECRET = 6;
/** Begins with what every address has: a pattern for its scheme would read long words again from each of their letters. */
const URL_WITH_USER = /:\/\/([^\s/@'"<>]+)@/g;
/** `ssh` or `git+ssh` in front of `://`, and the longest text that shows it. */
const SSH_SCHEME = /(?<![a-z0-9+.-])(?:git\+)?ssh$/i;
const SSH_SCHEME_LENGTH = 'git+ssh'.length + 1;

/**
 * Replaces the given secrets, and the user part of every URL, by `***`. `ssh://git@host` names no secret and stays.
 * `late`: secrets that are added after the start.
 */
export function createRedact(secrets: readonly string[], late: ReadonlySet<string> = new Set()): Redact {
  const wanted = [...new Set(secrets)]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length);
  function redact(text: string): string {
    let clean = text;
    for (const secret of late) if (clean.includes(secret)) clean = clean.replaceAll(secret, '***');
    for (const secret of wanted) if (clean.includes(secret)) clean = clean.replaceAll(secret, '***');
    if (!clean.includes('://')) return clean;
    return clean.replace(URL_WITH_USER, (whole, user: string, at: number) => {
      const isSsh = SSH_SCHEME.test(clean.slice(Math.max(0, at - SSH_SCHEME_LENGTH), at));
      return isSsh && !user.includes(':') ? whole : '://***@';
    });
  }

  return (text) => {
    const clean = redact(text);
    const bare = withoutEscapes(clean);
    if (bare === clean) return clean;
    // A colour inside a secret would hide it: such a text loses its colours.
    const cleaner = redact(bare);
    return cleaner === bare ? clean : cleaner;
  };
}

/** A repository address without its credentials, and the credentials in the form that git takes separately. */
export interface RepositoryAddress {
  /** Safe to show and to put into arguments. */
  url: string;
  /** For HTTP addresses with a user part: the value of the `Authorization` header, else null. */
  authorization: string | null;
  /** Every form in which the credentials could appear in output. */
  secrets: string[];
}

/** Splits `https://user:token@host/path`. Other forms (SSH, local paths) are returned as they are. */
export function splitRepositoryAddress(address: string): RepositoryAddress {
  const plain: RepositoryAddress = { url: address, authorization: null, secrets: [] };
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return plain;
  const url = new URL(address);
  if (url.username === '' && url.password === '') return plain;
  const user = decode(url.username);
  const password = decode(url.password);
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  // A token may stand alone in the user's place; a name beside a password is no secret.
  const secrets = password === '' ? [url.username, user] : [url.password, password];
  url.username = '';
  url.password = '';
  return { url: url.href, authorization: `Basic ${basic}`, secrets: [...secrets, basic] };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
