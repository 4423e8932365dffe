/** The key by which limits count an address. */
import { isIPv6 } from 'node:net';

/** The key of a limit: the IPv4 address, or the /64 network of an IPv6 address, which a single client may control. */
export function limitKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const plain = address.replace(/%.*$/s, '');
  if (!isIPv6(plain)) return address.slice(0, 64);
  const [head = '', tail] = plain.toLowerCase().split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  // An IPv4 ending stands for two groups.
  const written = before.length + after.length + (plain.includes('.') ? 1 : 0);
  const whole = tail === undefined ? before : [...before, ...Array<string>(8 - written).fill('0'), ...after];
  return `${whole
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
