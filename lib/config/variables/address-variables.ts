/** Variables of the addresses of the dashboard and of the proxies before it. */
import { list, listenAddress, network, origin, type Parser } from '../parsers';
import { optional, variable, type Variable } from './variable';

const networks: Parser<readonly string[]> = (raw) => {
  const parsed = list(network)(raw);
  return parsed.ok ? { ok: true, value: parsed.value.flat() } : parsed;
};

export const ADDRESS_VARIABLES = {
  listen: variable({
    name: 'NIXFLEET_LISTEN',
    prose: 'Address and port to listen on: `:8000` is every address of the machine.',
    parse: listenAddress,
    fallback: { host: null, port: 8000 },
    fallbackText: ':8000',
  }),
  baseUrl: variable({
    name: 'NIXFLEET_BASE_URL',
    prose:
      'Public address, as browsers see it. With https, cookies are `Secure` and browsers are instructed to use https only. ' +
      'Without it, a browser is accepted at localhost, at an IP address and at the name of the machine.',
    parse: optional(origin),
    fallback: null,
    fallbackText: 'not set',
  }),
  allowedOrigins: variable({
    name: 'NIXFLEET_ALLOWED_ORIGINS',
    prose: 'Additional addresses at which browsers may use the dashboard, comma-separated.',
    parse: list(origin),
    fallback: [],
    fallbackText: 'none',
  }),
  trustedProxies: variable({
    name: 'NIXFLEET_TRUSTED_PROXIES',
    prose:
      'Addresses or networks of reverse proxies, comma-separated; `private` stands for the private and local networks. ' +
      "Only their X-Forwarded-For is trusted for the client's address, in limits and events.",
    parse: networks,
    fallback: [],
    fallbackText: 'none',
  }),
} satisfies Record<string, Variable<unknown>>;
