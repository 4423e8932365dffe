import { describe, expect, it } from 'vitest';
import { originIsAllowed } from './origin';

const open = { baseUrl: null, allowedOrigins: [], machineNames: ['nas'] };
const based = { baseUrl: 'https://fleet.example.org', allowedOrigins: ['http://nas.lan:8000'], machineNames: ['nas'] };

describe('originIsAllowed', () => {
  it.each<[string, string | undefined, string | undefined, typeof open | typeof based, boolean]>([
    ['localhost, same host and port', 'http://localhost:8000', 'localhost:8000', open, true],
    ['an IPv4 address', 'http://192.168.1.5:8000', '192.168.1.5:8000', open, true],
    ['an IPv6 address', 'http://[fd00::1]:8000', '[fd00::1]:8000', open, true],
    ['the machine’s name', 'http://nas:8000', 'nas:8000', open, true],
    [
      'a name that anyone may point at this machine (DNS rebinding)',
      'http://evil.example:8000',
      'evil.example:8000',
      open,
      false,
    ],
    ['another port of the same host', 'http://localhost:3000', 'localhost:8000', open, false],
    ['another site', 'https://evil.example', 'localhost:8000', open, false],
    ['no origin', undefined, 'localhost:8000', open, false],
    ['an opaque origin', 'null', 'localhost:8000', open, false],
    ['not an origin', 'localhost:8000', 'localhost:8000', open, false],
    ['an origin with a path', 'http://localhost:8000/x', 'localhost:8000', open, false],
    ['the base URL', 'https://fleet.example.org', 'fleet.example.org', based, true],
    ['the base URL’s host without TLS', 'http://fleet.example.org', 'fleet.example.org', based, false],
    ['localhost, where a base URL is set', 'http://localhost:8000', 'localhost:8000', based, false],
    ['an allowed origin', 'http://nas.lan:8000', 'nas.lan:8000', based, true],
    ['a suffix of the base URL’s name', 'https://xfleet.example.org', 'fleet.example.org', based, false],
  ])('%s', (_name, origin, host, policy, allowed) => {
    expect(originIsAllowed(origin, host, policy)).toBe(allowed);
  });
});
