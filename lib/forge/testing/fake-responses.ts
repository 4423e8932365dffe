/** Responses of the fake forge, and the parsed requests that they answer. */
import type { IncomingMessage } from 'node:http';

export interface FakeForgeResponse {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/** A parsed request; the path is below the repository, decoded. */
export interface RouteRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
  /** Address of the server, for links. */
  origin: string;
}
export const FAKE_FORGE_REPO = 'ada/nixcfg';

export function fault(status: number, body: object, headers?: Record<string, string>): FakeForgeResponse {
  return { status, headers, body: JSON.stringify(body) };
}

export const found = (body: unknown, headers?: Record<string, string>): FakeForgeResponse => ({
  status: 200,
  headers,
  body: JSON.stringify(body),
});

/** One page of a list, with the `link` header. */
export function pageOf(asked: RouteRequest, items: readonly unknown[], perPage: number): FakeForgeResponse {
  const page = Number(asked.query.get('page') ?? '1');
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const to = (number: number, rel: string) => {
    const query = new URLSearchParams(asked.query);
    query.set('page', String(number));
    return `<${asked.origin}${asked.path}?${query.toString()}>; rel="${rel}"`;
  };
  const links = page < last ? [to(page + 1, 'next'), to(last, 'last')] : page > 1 ? [to(1, 'first')] : [];
  return found(items.slice((page - 1) * perPage, page * perPage), {
    'x-total-count': String(items.length),
    ...(links.length > 0 ? { link: links.join(', ') } : {}),
  });
}
