/**
 * What a response of Next needs of its own: a policy with a nonce, and how long it may be kept. All other headers are
 * the same for everything (`lib/edge/http/response-headers.ts`). It decides nothing about who may see what: pages and
 * actions do.
 */
import { randomBytes } from 'node:crypto';
import { NextResponse, type NextRequest } from 'next/server';

/** The content security policy (w3.org/TR/CSP3) with a nonce for one response. */
export function contentSecurityPolicy(nonce: string, development: boolean): string {
  return [
    "default-src 'self'",
    // React needs eval in development for the stacks of server errors; the overlay there styles itself.
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ''}`,
    development ? "style-src 'self' 'unsafe-inline'" : `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
  ].join('; ');
}

export function proxy(request: NextRequest): NextResponse {
  const policy = contentSecurityPolicy(randomBytes(16).toString('base64'), process.env.NODE_ENV === 'development');
  const requestHeaders = new Headers(request.headers);
  // Next reads the nonce from here and puts it on its own scripts.
  requestHeaders.set('content-security-policy', policy);
  const response = NextResponse.next({ request: { headers: requestHeaders } });
  const { headers } = response;
  headers.set('content-security-policy', policy);
  // Files of a build carry their content's hash in their name; everything else is of this moment and this operator.
  if (!request.nextUrl.pathname.startsWith('/_next/static/')) headers.set('cache-control', 'no-store');
  return response;
}
