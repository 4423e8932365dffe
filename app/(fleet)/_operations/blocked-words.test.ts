import { describe, expect, it } from 'vitest';
import { blockedCount, blockedHosts } from './blocked-words';

const hosts = (n: number) => Array.from({ length: n }, (_, i) => ({ name: `web${i + 1}` }));

describe('blockedHosts', () => {
  it('gives the reason of the first host for that host only', () => {
    const reason = 'web1 is busy: the switch is in progress.';
    expect(blockedHosts('busy', reason, hosts(3), 6)).toEqual({
      summary: '3 hosts are busy:',
      details: 'web1, web2 and web3. web1 is busy: the switch is in progress.',
    });
  });

  it('leaves out a reason that says no more', () => {
    expect(blockedHosts('offline', 'web1 is offline.', hosts(2), 6)).toEqual({
      summary: '2 hosts are offline:',
      details: 'web1 and web2.',
    });
  });

  it('counts the names that do not fit', () => {
    expect(blockedHosts('idle', '', hosts(5), 2).details).toBe('web1, web2 and 3 more.');
  });
});

describe('blockedCount', () => {
  it.each([
    ['version-1', 1, '1 has a version-1 agent'],
    ['version-1', 3, '3 have a version-1 agent'],
    ['unsupported', 1, '1 has an agent that does not support it'],
    ['unsupported', 3, '3 have agents that do not support it'],
    ['unfinished', 1, '1 has an unfinished command'],
    ['unknown-code', 2, '2 are not ready'],
  ])('%s on %i', (code, count, expected) => {
    expect(blockedCount(code, count)).toBe(expected);
  });
});
