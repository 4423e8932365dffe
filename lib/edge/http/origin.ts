/**
 * Which origins may open a socket: browsers send cookies with cross-site handshakes, so the origin must match exactly.
 */
import { isIP } from 'node:net';

export interface OriginPolicy {
  /** Public address of the dashboard, when configured. */
  baseUrl: string | null;
  /** Further origins (`http://nas.lan:8000`), exact. */
  allowedOrigins: readonly string[];
  /** The names of this machine, lower-case. */
  machineNames: readonly string[];
}

/**
 * True when a page of this origin may connect. With a base URL, only that origin and the configured ones may. Without
 * one, a page loaded from the requested host may, if that is localhost, an IP address or a name of this machine: names
 * that nobody else can point here.
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

/** True when browsers reach the dashboard by https. */
export const isHttps = ({ baseUrl }: OriginPolicy): boolean => baseUrl?.startsWith('https://') ?? false;

/** The names of the machine, with and without its domain. */
export function machineNames(hostname: string): string[] {
  const full = hostname.toLowerCase();
  return [...new Set([full, full.split('.', 1)[0] ?? full])];
}
