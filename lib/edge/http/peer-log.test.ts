import { beforeEach, expect, it } from 'vitest';
import { createPeerLog, MAX_LINES, REPEAT_AFTER_MS } from './peer-log';

let lines: string[];
let now: number;
const write = (level: string) => (fields: object, message: string) =>
  void lines.push(`${level} ${'address' in fields ? String(fields.address) : '-'} ${message}`);
const log = () => createPeerLog({ info: write('info'), warn: write('warn'), error: write('error') }, () => now);

beforeEach(() => {
  lines = [];
  now = 0;
});

it('logs a line once a minute for each address, path and message', () => {
  const peers = log();
  for (let n = 0; n < 1_000; n += 1) {
    peers.warn({ address: '192.0.2.1' }, 'refused');
    peers.warn({ address: '192.0.2.2' }, 'refused');
    peers.info({ address: '192.0.2.1', path: '/api/hosts' }, 'gone');
    peers.info({ address: '192.0.2.1', path: '/api/ops' }, 'gone');
  }
  expect(lines).toEqual([
    'warn 192.0.2.1 refused',
    'warn 192.0.2.2 refused',
    'info 192.0.2.1 gone',
    'info 192.0.2.1 gone',
  ]);
  now += REPEAT_AFTER_MS;
  peers.warn({ address: '192.0.2.1' }, 'refused');
  expect(lines).toHaveLength(5);
});

it('counts a network of IPv6 as one address', () => {
  const peers = log();
  for (let n = 0; n < 100; n += 1) peers.warn({ address: `2001:db8::${n.toString(16)}` }, 'refused');
  expect(lines).toHaveLength(1);
});

it('logs a limited number over all addresses, says so, and logs again after a minute', () => {
  const peers = log();
  for (let n = 0; n < 250; n += 1) peers.warn({ address: `192.0.2.${n}` }, 'refused');
  expect(lines).toHaveLength(MAX_LINES + 1);
  expect(lines.at(-1)).toBe('warn - too many requests to log: further ones are not logged for the rest of this minute');
  now += REPEAT_AFTER_MS;
  peers.warn({ address: '192.0.2.1' }, 'refused');
  expect(lines).toHaveLength(MAX_LINES + 2);
});

it('logs every error', () => {
  const peers = log();
  for (let n = 0; n < 200; n += 1) peers.error({ address: '192.0.2.1' }, 'failed');
  expect(lines).toHaveLength(200);
});
