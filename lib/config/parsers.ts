/** One parser for each kind of value. A problem says what to write instead, and never repeats the value. */
import { isIP } from 'node:net';
import { flakeFolderOf } from '@/lib/git/flake-folder';

/** A value that is in force in place of the written one, as text, and why. */
export interface Replacement {
  text: string;
  why: string;
}

export type Parsed<T> = { ok: true; value: T; replacement?: Replacement } | { ok: false; problem: string };
export type Parser<T> = (raw: string) => Parsed<T>;

const good = <T>(value: T): Parsed<T> => ({ ok: true, value });
const bad = (problem: string): { ok: false; problem: string } => ({ ok: false, problem });

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Longest duration that a timer can hold (2^31 - 1 ms, about 24 days). */
export const MAX_DURATION_MS = 2_147_483_647;

/**
 * A duration as Go writes it (`24h`, `1h30m`, `1.5s`, `500ms`; pkg.go.dev/time#ParseDuration), in whole milliseconds;
 * null when it is not one, or negative.
 */
export function parseGoDuration(signed: string): number | null {
  const raw = signed.replace(/^\+/, '');
  if (raw === '0') return 0;
  const parts = /^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(raw)
    ? raw.matchAll(/(?<![\d.])(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)
    : null;
  if (parts === null) return null;
  let ms = 0;
  for (const [, count, unit] of parts) ms += Number(count) * (MS_PER_UNIT[unit ?? ''] ?? Number.NaN);
  return Math.round(ms);
}

export function parseDuration(minMs: number, minText: string): Parser<number> {
  return (raw) => {
    const ms = parseGoDuration(raw);
    if (ms === null) {
      const hint = /^\d+$/.test(raw) ? 'the unit is missing: ' : '';
      return bad(`${hint}write a duration such as 30s, 15m or 1h30m`);
    }
    if (ms < minMs) return bad(`too short: write at least ${minText}`);
    if (ms > MAX_DURATION_MS) return bad('too long: write at most 596h');
    return good(ms);
  };
}

/**
 * For a variable of version 3, which treated an unreadable value as unset and had no bounds. An invalid value must not
 * prevent the start: it gives the fallback and says why. `text`: the fallback in words.
 */
export function orFallback<T>(parse: Parser<T>, fallback: T, text: string): Parser<T> {
  return (raw) => {
    const parsed = parse(raw);
    return parsed.ok ? parsed : { ok: true, value: fallback, replacement: { text, why: parsed.problem } };
  };
}

/**
 * A duration of version 3 (see `orFallback`): one that is out of bounds becomes the nearest allowed one, or `tooShort` for
 * one that is too short.
 */
export function version3Duration(
  min: { ms: number; text: string },
  fallback: { ms: number; text: string },
  tooShort = min,
): Parser<number> {
  return (raw) => {
    const ms = parseGoDuration(raw);
    const parsed = parseDuration(min.ms, min.text)(raw);
    if (parsed.ok) return parsed;
    const [value, text] =
      ms === null
        ? [fallback.ms, fallback.text]
        : ms < min.ms
          ? [tooShort.ms, tooShort.text]
          : [MAX_DURATION_MS, '596h'];
    return { ok: true, value, replacement: { text, why: parsed.problem } };
  };
}

/** A whole number of version 3 (see `orFallback`): one that is out of bounds becomes the nearest allowed one. */
export function version3Integer(min: number, max: number, fallback: number): Parser<number> {
  return (raw) => {
    const parsed = integer(min, max)(raw);
    if (parsed.ok) return parsed;
    const written = /^[+-]?\d+$/.test(raw) ? Number(raw) : Number.NaN;
    if (written >= min && written <= max) return good(written);
    const value = Number.isNaN(written) ? fallback : written < min ? min : max;
    return { ok: true, value, replacement: { text: String(value), why: parsed.problem } };
  };
}

export function integer(min: number, max: number): Parser<number> {
  return (raw) => {
    const value = Number(raw);
    return /^\d+$/.test(raw) && value >= min && value <= max
      ? good(value)
      : bad(`write a whole number from ${min} to ${max}`);
  };
}

export const boolean: Parser<boolean> = (raw) => {
  if (/^(1|true|yes|on)$/i.test(raw)) return good(true);
  if (/^(0|false|no|off)$/i.test(raw)) return good(false);
  return bad('write true or false');
};

export function choice<const T extends string>(values: readonly T[]): Parser<T> {
  return (raw) => {
    const value = values.find((one) => one === raw.toLowerCase());
    return value === undefined ? bad(`write one of ${values.join(', ')}`) : good(value);
  };
}

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** A size in bytes: `33554432`, `32MiB`, `100 MB`. */
export function size(min: number, minText: string): Parser<number> {
  return (raw) => {
    const [, count, unit] = /^(\d+(?:\.\d+)?)\s*([kmg]?i?b)?$/i.exec(raw) ?? [];
    const factor = BYTES_PER_UNIT[(unit ?? '').toLowerCase()];
    if (count === undefined || factor === undefined) return bad('write a size such as 32MiB or 500KiB');
    const bytes = Math.floor(Number(count) * factor);
    if (bytes < min) return bad(`too small: write at least ${minText}`);
    return Number.isSafeInteger(bytes) ? good(bytes) : bad('too large: write a size such as 32MiB');
  };
}

export const text: Parser<string> = (raw) => good(raw);

export interface ListenAddress {
  /** Null: every address of the machine. */
  host: string | null;
  port: number;
}

/** `:8000`, `host:port`, `[::1]:8000`. */
export const listenAddress: Parser<ListenAddress> = (raw) => {
  const [, six, name, digits] = /^(?:\[([^\]]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(raw) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535 || (six !== undefined && isIP(six) !== 6)) {
    return bad('write :8000, 127.0.0.1:8000 or [::1]:8000');
  }
  const host = six ?? name;
  return good({ host: host === undefined || host === '' ? null : host, port });
};

function httpUrl(raw: string): URL | null {
  if (!/^https?:\/\//i.test(raw) || !URL.canParse(raw)) return null;
  return new URL(raw);
}

/** Scheme, host and port: `https://fleet.example.org`. Returned without a trailing slash. */
export const origin: Parser<string> = (raw) => {
  const url = httpUrl(raw);
  if (url === null) return bad('write an address such as https://fleet.example.org');
  if (url.username !== '' || url.password !== '') return bad('write the address without user and password');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return bad('write only scheme, host and port: the dashboard is served from the root of its address');
  }
  return good(url.origin);
};

export const webAddress: Parser<string> = (raw) =>
  httpUrl(raw) === null ? bad('write an http or https address') : good(raw);

/** Base address of an API: no credentials (they have separate variables), no query. */
export const apiAddress: Parser<string> = (raw) => {
  const url = httpUrl(raw);
  if (url === null) return bad('write an http or https address');
  if (url.username !== '' || url.password !== '') return bad('write the address without user and password');
  return url.search !== '' || url.hash !== '' ? bad('write the address without ? and #') : good(raw);
};

/** Comma-separated. Every problem names its position in the list. */
export function list<T>(one: Parser<T>): Parser<readonly T[]> {
  return (raw) => {
    const values: T[] = [];
    const problems: string[] = [];
    const parts = raw
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    for (const [index, part] of parts.entries()) {
      const parsed = one(part);
      if (parsed.ok) values.push(parsed.value);
      else problems.push(parts.length === 1 ? parsed.problem : `entry ${index + 1}: ${parsed.problem}`);
    }
    return problems.length > 0 ? bad(problems.join('; ')) : good(values);
  };
}

/** A repository as git accepts it: an address, `git@host:path`, or a path on this machine. */
export const repository: Parser<string> = (raw) => {
  // git would read a leading dash as an option.
  const known =
    /^(?:https?|ssh|git|file):\/\/[^\s]+$/i.test(raw) ||
    /^(?:[\w.-]+@)?[\w.-]+:(?!\/\/)[^\s]+$/.test(raw) ||
    /^\.{0,2}\//.test(raw);
  return known && !raw.startsWith('-')
    ? good(raw)
    : bad(
        'write a git address such as https://github.com/owner/nixcfg.git or git@github.com:owner/nixcfg.git, or a path',
      );
};

/** `owner/name` of a repository on a forge. */
export const ownerAndName: Parser<string> = (raw) =>
  /^[A-Za-z0-9][\w.-]*\/(?!\.{1,2}$)[\w.-]+$/.test(raw)
    ? good(raw)
    : bad('write owner and name of the repository, such as ada/nixcfg');

/** The path of a file, relative to the root of its repository. */
export const repositoryFile: Parser<string> = (raw) =>
  /^(?!\/)[^\\\p{Cc}]+$/u.test(raw) && raw.split('/').every((part) => !['', '.', '..', '.git'].includes(part))
    ? good(raw)
    : bad('write the path of a file from the root of the repository, such as modules/theme.nix');

/** A folder in the configuration repository; '' for its root. */
export const repositoryFolder: Parser<string> = (raw) => {
  const folder = flakeFolderOf(raw);
  return folder === null
    ? bad('write the path of a folder from the root of the repository, such as nix')
    : good(folder);
};

/** A branch name that is safe to pass to git (git-check-ref-format(1), the rules that matter here). */
export const branch: Parser<string> = (raw) =>
  /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock$|[/.]$))[^\s~^:?*[\\\p{Cc}]+$/u.test(raw)
    ? good(raw)
    : bad('write a valid branch name, such as main');

/** Loopback, private and link-local ranges (RFC 1918, RFC 4193, RFC 3927, RFC 4291). */
export const PRIVATE_NETWORKS: readonly string[] = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];

/** An IP address or a network, returned as `address/bits`. `private` stands for loopback, private and link-local networks. */
export const network: Parser<readonly string[]> = (raw) => {
  if (raw.toLowerCase() === 'private') return good(PRIVATE_NETWORKS);
  const [address = '', bits, ...rest] = raw.split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (version === 0 || rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits)) || prefix > most) {
    return bad('write an IP address (10.0.0.2), a network (10.0.0.0/8) or the word private');
  }
  return good([`${address}/${prefix}`]);
};

/** A bcrypt hash with one of the prefixes that mean the same algorithm: $2a$, $2b$, $2y$. */
export const bcryptHash: Parser<string> = (raw) => {
  if (/^\$2[aby]\$\d{2}\$[./A-Za-z0-9]{53}$/.test(raw)) return good(raw);
  const without = 'Or leave it unset: the first start then prints a link for setting the password';
  if (raw.includes('$$')) {
    return bad(
      'not a bcrypt hash: every $ is doubled. Write single ones here (only a compose file needs them doubled)',
    );
  }
  if (/^["'].*["']$/.test(raw))
    return bad('not a bcrypt hash: the quotes are part of the value. Write it without quotes');
  if (raw.length !== 60) {
    return bad(
      `not a bcrypt hash: it has ${raw.length} characters instead of 60. Usually a shell or compose has read $ as the start ` +
        `of a variable: put the value in single quotes, and in a compose file write each $ as $$. ${without}`,
    );
  }
  return bad(`not a bcrypt hash: write one that begins with $2a$, $2b$ or $2y$. ${without}`);
};
