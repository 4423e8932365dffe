import { describe, expect, it } from 'vitest';
import { clientAddress, plainAddress, trustedProxies } from './address';

const trusts = trustedProxies(['10.0.0.0/8', '192.0.2.1', 'fd00::/8']);

describe('clientAddress', () => {
  it.each([
    ['no proxy: the peer, whatever it claims', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['one proxy: its hop', '10.0.0.2', '203.0.113.9', '203.0.113.9'],
    ['what the client wrote left of it does not count', '10.0.0.2', '1.2.3.4, 203.0.113.9', '203.0.113.9'],
    ['two proxies', '10.0.0.2', '1.2.3.4, 203.0.113.9, 192.0.2.1', '203.0.113.9'],
    ['a proxy that says nothing', '10.0.0.2', '', '10.0.0.2'],
    ['only proxies', '10.0.0.2', '10.0.0.3', '10.0.0.3'],
    ['not an address', '10.0.0.2', 'unknown', '10.0.0.2'],
    ['IPv4 in IPv6', '::ffff:10.0.0.2', '::ffff:203.0.113.9', '203.0.113.9'],
    ['IPv6', 'fd00::2', '2001:db8::1', '2001:db8::1'],
  ])('%s', (_name, peer, header, expected) => {
    expect(clientAddress(peer, header, trusts)).toBe(expected);
  });

  it('drops zones and the IPv4 prefix', () => {
    expect(plainAddress('fe80::1%eth0')).toBe('fe80::1');
    expect(plainAddress('::FFFF:192.0.2.1')).toBe('192.0.2.1');
  });
});
