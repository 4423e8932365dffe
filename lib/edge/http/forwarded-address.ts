/** The client's address, determined once per request for pages, actions and sockets. */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** True when an address is one of the configured proxies. */
export type TrustsProxy = (address: string) => boolean;

/** Headers that only a trusted proxy may set; they are removed from other requests. */
const PROXY_HEADERS = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-real-ip',
  'forwarded',
];

/** The configured proxies (addresses and CIDR networks, validated by the configuration) as a predicate. */
export function trustedProxies(networks: readonly string[]): TrustsProxy {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Turns IPv4 in IPv6 (`::ffff:192.0.2.1`) into the IPv4 address, and drops zones. */
export function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/s, '').toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  return mapped?.[1] ?? bare;
}

/** The address of a hop. Some proxies add a port, with IPv6 in brackets (RFC 7239, 6). */
function hopAddress(hop: string): string {
  const text = hop.trim().replace(/^"(.*)"$/, '$1');
  const [, inBrackets, plain] = /^(?:\[([^\]]+)\]|(\d+(?:\.\d+){3}))(?::\d+)?$/.exec(text) ?? [];
  return plainAddress(inBrackets ?? plain ?? text);
}

/** The right-most hop that is not a trusted proxy. Hops left of it were written by the client. */
export function clientAddress(peer: string, forwardedFor: string, trusts: TrustsProxy): string {
  let address = plainAddress(peer);
  const hops = forwardedFor
    .split(',')
    .map(hopAddress)
    .filter((hop) => hop !== '');
  while (trusts(address)) {
    const hop = hops.pop();
    if (hop === undefined || isIP(hop) === 0) break;
    address = hop;
  }
  return address;
}

/** Rewrites the forwarding headers of a request so that later handlers may trust them. Returns the address. */
export function setClientAddress(request: IncomingMessage, trusts: TrustsProxy): string {
  const peer = plainAddress(request.socket.remoteAddress ?? '');
  const header = request.headers['x-forwarded-for'];
  const address = clientAddress(peer, Array.isArray(header) ? header.join(',') : (header ?? ''), trusts);
  if (!trusts(peer)) for (const name of PROXY_HEADERS) Reflect.deleteProperty(request.headers, name);
  request.headers['x-forwarded-for'] = address;
  return address;
}
