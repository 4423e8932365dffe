import { describe, expect, it } from 'vitest';
import { createRedact } from './redact';

describe('createRedact', () => {
  const redact = createRedact(['agent-token-1']);

  it.each([
    ['https://ada:pw@host/x', 'https://***@host/x'],
    ['HTTPS://token@host', 'HTTPS://***@host'],
    ['see (https://ada:pw@host)', 'see (https://***@host)'],
    ['ssh://git@host/x and git+ssh://git@host/x', 'ssh://git@host/x and git+ssh://git@host/x'],
    ['ssh://git:pw@host/x', 'ssh://***@host/x'],
    ['git+https://ada@host', 'git+https://***@host'],
    ['xssh://ada@host', 'xssh://***@host'],
    ['https://host/path@1', 'https://host/path@1'],
    ['nothing to see: agent-token-1', 'nothing to see: ***'],
    ['\u001b[31magent-token-1\u001b[0m in red', '\u001b[31m***\u001b[0m in red'],
    ['\u001b[31magent-\u001b[1mtoken-1\u001b[0m in two colours', '*** in two colours'],
  ])('of %s', (text, safe) => {
    expect(redact(text)).toBe(safe);
  });

  // What is not linear takes minutes for these, and the runner ends the test.
  it.each([
    ['letters before an address', `${'a'.repeat(200_000)}://`],
    ['schemes', 'a://'.repeat(50_000)],
    ['an address without an end', `https://${'a:'.repeat(100_000)}`],
    ['colons', `${':/'.repeat(100_000)}://x`],
  ])('reads a flood of %s', (_name, text) => {
    for (let line = 0; line < 20; line += 1) expect(redact(text)).toBe(text);
  });
});
