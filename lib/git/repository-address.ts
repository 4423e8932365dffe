/** Addresses of repositories and feeds: removes credentials, and finds the web page of a commit. */
import { withoutEscapes } from '@/lib/text/plain-text';
import { withoutTrailingSlashes } from '@/lib/text/trailing-slashes';

/** An address without secrets, and the credentials it contained. */
export interface SafeAddress {
  url: string;
  /** User and password of an http(s) address, for an Authorization header; null when it has none. */
  login: { user: string; password: string } | null;
}

/** `git@host:owner/name.git`, the short form of ssh that git knows (git-fetch(1), "GIT URLS"). */
const SCP_LIKE = /^(?:([^@/\s:]+)@)?([^@/\s:]+):(?!\/\/)(.+)$/;

function parseUrl(value: string): URL | null {
  return value.includes('://') && URL.canParse(value) ? new URL(value) : null;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Removes user and password from an http(s) address, and the password from any other. */
export function safeAddress(address: string): SafeAddress {
  const url = parseUrl(address);
  if (url === null || (url.username === '' && url.password === '')) return { url: address, login: null };
  const http = url.protocol === 'http:' || url.protocol === 'https:';
  const login = http ? { user: decoded(url.username), password: decoded(url.password) } : null;
  // With ssh the user is part of the address ("git"), not a secret.
  if (http) url.username = '';
  url.password = '';
  return { url: url.href, login };
}

/** The value of an Authorization header (RFC 7617). */
export function basicAuthorization(login: { user: string; password: string }): string {
  return `Basic ${Buffer.from(`${login.user}:${login.password}`, 'utf8').toString('base64')}`;
}

/** An address for display: without credentials, and without the query, which may hold tokens. */
export function shownAddress(address: string): string {
  const url = parseUrl(safeAddress(address).url);
  if (url === null) return address;
  url.search = '';
  url.hash = '';
  return url.href;
}

/** Begins with what every address has: a pattern for its scheme would read long words again from each of their letters. */
const USERINFO_IN_TEXT = /:\/\/[^/\s@]+@/g;
/** Longest text that is quoted; forges answer with megabytes. */
const MAX_REDACTED = 65_536;

/**
 * Redacts a program's output: credentials in any address, and the given secrets. Text beyond 64 KiB is left out, and so
 * are escape sequences: one inside a secret would hide it.
 */
export function redactText(text: string, secrets: readonly string[]): string {
  let safe = withoutEscapes(text.slice(0, MAX_REDACTED)).replace(USERINFO_IN_TEXT, '://');
  for (const secret of secrets) {
    if (secret !== '') safe = safe.replaceAll(secret, '[redacted]');
  }
  return safe;
}

/** `owner/name` as GitHub allows it; the version feed's short form for a repository. */
const OWNER_AND_NAME = /^[A-Za-z0-9][A-Za-z0-9-]*\/[A-Za-z0-9._-]+$/;

/**
 * The page that shows a commit, for a repository given as `owner/name` (GitHub), an http(s) address or the address of
 * a forge by ssh. Null where the address does not lead to a page (a path, a bare ssh server).
 */
export function commitPage(repository: string, commit: string): string | null {
  const base = repositoryPage(repository.trim());
  if (base === null || commit === '') return null;
  const folder = new URL(base).hostname === 'bitbucket.org' ? 'commits' : 'commit';
  return `${base}/${folder}/${commit}`;
}

function repositoryPage(repository: string): string | null {
  if (OWNER_AND_NAME.test(repository)) return pageOf('https:', 'github.com', repository);
  const url = parseUrl(repository);
  if (url !== null) {
    if (url.protocol === 'https:' || url.protocol === 'http:') return pageOf(url.protocol, url.host, url.pathname);
    if (url.protocol === 'ssh:' && url.username === 'git') return pageOf('https:', url.hostname, url.pathname);
    return null;
  }
  const short = SCP_LIKE.exec(repository);
  const [, user, host, path] = short ?? [];
  // Forges use the user "git" and a path below their root; anything else is a plain ssh server.
  if (user !== 'git' || host === undefined || path === undefined || /^[/~]/.test(path)) return null;
  return pageOf('https:', host, path);
}

function pageOf(protocol: string, host: string, path: string): string | null {
  const clean = withoutTrailingSlashes(path.replace(/^\/+/, '')).replace(/\.git$/, '');
  if (!clean.includes('/')) return null;
  const page = `${protocol}//${host}/${clean}`;
  return URL.canParse(page) ? new URL(page).href : null;
}
