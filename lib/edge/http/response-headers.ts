/** Headers of every response of the dashboard: pages, files, errors, refusals. */
import type { ServerResponse } from 'node:http';

const PERMISSIONS =
  'accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), ' +
  'magnetometer=(), microphone=(), midi=(), payment=(), usb=()';

/** One year, without subdomains: other services may use names below this host. */
const STRICT_TRANSPORT = 'max-age=31536000';

const HEADERS: Readonly<Record<string, string>> = {
  // For responses that are not pages: nothing may be loaded or framed. Pages get a policy with a nonce instead
  // (`proxy.ts`).
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'permissions-policy': PERMISSIONS,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** `https`: with HSTS. */
export function securityHeaders(https: boolean): Readonly<Record<string, string>> {
  return https ? { ...HEADERS, 'strict-transport-security': STRICT_TRANSPORT } : HEADERS;
}

/** Must be called before anything is written. `https`: adds HSTS. */
export function setSecurityHeaders(response: ServerResponse, https: boolean): void {
  for (const [name, value] of Object.entries(securityHeaders(https))) response.setHeader(name, value);
}
