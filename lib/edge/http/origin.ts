/** Which pages may open a socket: cookies ride along on cross-site handshakes, so the origin has to be exact. */
import { isIP } from 'node:net';

export interface OriginPolicy {
  /** Public address of the dashboard, when configured. */
  baseUrl: string | null;
  /** Further origins (`http://nas.lan:8000`), exact. */
  allowedOrigins: readonly string[];
  /** The machine's own names, lower-case. */
  machineNames: readonly string[];
}

/**
 * True when a browser page of this origin may connect. With a base URL only that origin and the configured ones may;
 * without, a page may that was loaded from the very host it now asks, when that is localhost, an IP address or the
 * machine's own name: names that nobody else can point here.
 */
export function originIsAllowed(origin: string | undefined, host: string | undefined, policy: OriginPolicy): boolean {
  if (!origin) return false;
  let url: URL;
  try {
    url = new URL(origin);
  } catch {
    return false;
  }
  if (url.origin === 'null' || url.origin !== origin.toLowerCase()) return false;
  if (policy.allowedOrigins.includes(url.origin)) return true;
  if (policy.baseUrl !== null) return url.origin === new URL(policy.baseUrl).origin;
  if (!host || url.host !== host.toLowerCase()) return false;
  const name = url.hostname.replace(/^\[|\]$/g, '');
  return name === 'localhost' || isIP(name) !== 0 || policy.machineNames.includes(name);
}

/** The names that the machine goes by: with its domain, and without. */
export function machineNames(hostname: string): string[] {
  const full = hostname.toLowerCase();
  return [...new Set([full, full.split('.', 1)[0] ?? full])];
}
