/**
 * A server that answers with a redirect. With credentials, git must not follow it itself: it would send the header to any
 * server (`http.<url>.extraHeader` is chosen once, by the first address). So git follows none, and this finds out where
 * the redirect leads: a new address on the same server is used, any other one is refused.
 */
import { withoutTrailingSlashes } from '@/lib/text/trailing-slashes';

const MAX_REDIRECTS = 5;
/** Git's message for a redirect that it does not follow (`http.followRedirects`, git-config(1)). */
const NOT_FOLLOWED = /The requested URL returned error: 30[12378]/;
/** What git appends to the address of a repository (gitprotocol-http(5)). */
const DISCOVERY = '/info/refs';

/** Makes git print the headers of the response. Git replaces the values of Authorization itself (git(1)). */
export const PRINT_HEADERS: Readonly<Record<string, string>> = {
  GIT_TRACE_CURL: '1',
  GIT_TRACE_CURL_NO_DATA: '1',
  GIT_TRACE_REDACT: '1',
};
/** Characters of stderr that `PRINT_HEADERS` needs. */
export const HEADERS_CHARACTERS = 256 * 1024;

/** How a git command ended. */
export interface RemoteEnd {
  ok: boolean;
  stderr: string;
}

export type Followed<End> = { kind: 'end'; end: End } | { kind: 'refused'; to: RefusedTarget };

/** Another server: an address without query and credentials. Null: one redirect led to the next, too often. */
export type RefusedTarget = string | null;

/** What a refused redirect means. `who` sends credentials, `setting` holds the address that has to change. */
export function refusedRedirect(to: RefusedTarget, who: string, setting: string): string {
  const problem =
    to === null
      ? `redirects more than ${MAX_REDIRECTS} times`
      : `redirects to ${to}, and ${who} sends its credentials to no other server`;
  return `${problem}: set ${setting} to the final address`;
}

export interface RedirectOptions<End extends RemoteEnd> {
  attempt: (url: string) => Promise<End>;
  /** Runs `git ls-remote` with `PRINT_HEADERS` and the same credentials, following no redirect. */
  look: (url: string) => Promise<RemoteEnd>;
}

/** Follows a repository that was renamed on its server. The new address is used until it fails. */
export function createMovableAddress(url: string) {
  let current = url;

  /** Null: the redirect does not lead to a repository. */
  async function newAddress(
    look: (url: string) => Promise<RemoteEnd>,
  ): Promise<{ url: string } | { to: RefusedTarget } | null> {
    let at = url;
    for (let redirects = 0; redirects < MAX_REDIRECTS; redirects += 1) {
      const looked = await look(at);
      if (looked.ok || !NOT_FOLLOWED.test(looked.stderr)) return { url: at };
      const next = targetOf(at, looked.stderr);
      if (next === null) return null;
      if (new URL(next).origin !== new URL(url).origin) return { to: next };
      at = next;
    }
    return { to: null };
  }

  return {
    async run<End extends RemoteEnd>({ attempt, look }: RedirectOptions<End>): Promise<Followed<End>> {
      let end = await attempt(current);
      if (!end.ok && current !== url) {
        current = url;
        end = await attempt(current);
      }
      if (end.ok || !NOT_FOLLOWED.test(end.stderr)) return { kind: 'end', end };
      const found = await newAddress(look);
      if (found === null) return { kind: 'end', end };
      if ('to' in found) return { kind: 'refused', to: found.to };
      current = found.url;
      return { kind: 'end', end: await attempt(current) };
    },
  };
}

/** The repository's address that the `Location` header names (RFC 9110 §10.2.2); null if it names another kind of page. */
function targetOf(url: string, stderr: string): string | null {
  const location = /<= Recv header:? *location: *(\S+)/i.exec(stderr)?.[1];
  const asked = `${withoutTrailingSlashes(url)}${DISCOVERY}`;
  if (location === undefined || !URL.canParse(location, asked)) return null;
  const target = new URL(location, asked);
  if (target.protocol !== 'https:' && target.protocol !== 'http:') return null;
  if (!target.pathname.endsWith(DISCOVERY)) return null;
  target.search = '';
  target.hash = '';
  target.username = '';
  target.password = '';
  return target.href.slice(0, -DISCOVERY.length);
}
