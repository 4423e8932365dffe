import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeBase32, encodeBase32 } from './operator/base32';
import { limitKey } from './client-address';
import { decrypt, deriveKey, encrypt, equalSecrets } from './encryption';

const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 });

it('encrypts for one key and context, and detects changes', () => {
  const key = deriveKey('secret', 'one purpose');
  fc.assert(
    fc.property(bytes, fc.nat(), (plain, where) => {
      const stored = encrypt(key, plain, 'totp:operator');
      expect(decrypt(key, stored, 'totp:operator')).toEqual(Buffer.from(plain));
      expect(decrypt(key, stored, 'totp:somebody')).toBeNull();
      expect(decrypt(deriveKey('secret', 'another purpose'), stored, 'totp:operator')).toBeNull();
      const parts = stored.split('.');
      const at = 1 + (where % 3);
      const changed = Buffer.from(parts[at] ?? '', 'base64url');
      changed[where % changed.length] = (changed[where % changed.length] ?? 0) ^ 1;
      parts[at] = changed.toString('base64url');
      expect(decrypt(key, parts.join('.'), 'totp:operator')).toBeNull();
    }),
  );
  for (const nonsense of ['', 'v1', 'v1...', 'v2.a.b.c', 'plain text']) expect(decrypt(key, nonsense, '')).toBeNull();
});

it('derives a key from a secret of any length, a different one for each purpose', () => {
  const keys = ['', 'a', 'a'.repeat(10_000)].flatMap((secret) => [deriveKey(secret, 'x'), deriveKey(secret, 'y')]);
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(6);
  for (const key of keys) expect(key).toHaveLength(32);
});

it('compares secrets of any length', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => equalSecrets(a, b) === (a === b)));
  expect(equalSecrets('a', 'a')).toBe(true);
});

it('reads base32 as people write it', () => {
  fc.assert(
    fc.property(bytes, (plain) => {
      const text = encodeBase32(plain);
      expect(decodeBase32(text)).toEqual(Buffer.from(plain));
      const typed = ` ${(text.toLowerCase().match(/.{1,4}/g) ?? []).join(' ')}==`;
      expect(decodeBase32(typed)).toEqual(Buffer.from(plain));
    }),
  );
  // Left-over bits that are not zero: other implementations take such a secret, so it must stay valid.
  expect(decodeBase32('JBSWY3DPEH')).toEqual(Buffer.from('Hello!'));
  for (const wrong of ['', '=', 'A', 'ABC', 'ABCDEF', 'AB1D', 'ÄB', '!!']) expect(decodeBase32(wrong)).toBeNull();
});

it.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::203.0.113.9', '64:ff9b:0:0::/64'],
  ['unknown', 'unknown'],
])('counts %s as %s', (address, key) => expect(limitKey(address)).toBe(key));
