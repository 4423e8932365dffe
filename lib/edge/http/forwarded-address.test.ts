import { describe, expect, it } from 'vitest';
import { clientAddress, plainAddress, trustedProxies } from './forwarded-address';

const trusts = trustedProxies(['10.0.0.0/8', '192.0.2.1', 'fd00::/8']);

describe('clientAddress', () => {
  it.each([
    ['no proxy: the peer, whatever the header claims', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['one proxy: its hop', '10.0.0.2', '203.0.113.9', '203.0.113.9'],
    ['hops to the left, written by the client, are ignored', '10.0.0.2', '1.2.3.4, 203.0.113.9', '203.0.113.9'],
    ['two proxies', '10.0.0.2', '1.2.3.4, 203.0.113.9, 192.0.2.1', '203.0.113.9'],
    ['a proxy without the header', '10.0.0.2', '', '10.0.0.2'],
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

describe('the hops of a header', () => {
  const trusts = trustedProxies(['10.0.0.0/8', 'fd00::/8', '127.0.0.1', '::1']);
  it.each([
    ['one proxy', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['two proxies', '10.0.0.1', '203.0.113.9, 10.2.3.4', '203.0.113.9'],
    ['made-up hops at the left', '10.0.0.1', '10.9.9.9, 1.2.3.4, 203.0.113.9', '203.0.113.9'],
    ['a client that is not a trusted proxy', '203.0.113.9', '10.0.0.7', '203.0.113.9'],
    ['two headers, joined by Node', '10.0.0.1', '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['a port', '10.0.0.1', '203.0.113.9:51234', '203.0.113.9'],
    ['IPv6', 'fd00::1', '2001:DB8::7', '2001:db8::7'],
    ['IPv6 with a port', 'fd00::1', '[2001:db8::7]:443', '2001:db8::7'],
    ['IPv6 in quotes', 'fd00::1', '"[2001:db8::7]"', '2001:db8::7'],
    ['a zone', 'fd00::1', 'fe80::1%eth0', 'fe80::1'],
    ['IPv4 in IPv6, of proxy and client', '::ffff:10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['nothing', '10.0.0.1', '', '10.0.0.1'],
    ['only commas', '10.0.0.1', ', ,,', '10.0.0.1'],
    ['words', '10.0.0.1', 'unknown', '10.0.0.1'],
    ['words behind a client', '10.0.0.1', '203.0.113.9, _hidden', '10.0.0.1'],
    ['a line break and markup', '10.0.0.1', '<b>\r\nx', '10.0.0.1'],
    ['proxies alone', '10.0.0.1', '10.0.0.2, 10.0.0.3', '10.0.0.2'],
    ['a number that is no address', '10.0.0.1', '999.1.1.1:80', '10.0.0.1'],
    ['a very long header', '10.0.0.1', `${'1.2.3.4, '.repeat(2_000)}203.0.113.9`, '203.0.113.9'],
  ])('%s', (_case, peer, header, address) => {
    expect(clientAddress(peer, header, trusts)).toBe(address);
  });
});
