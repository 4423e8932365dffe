import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commitPage, redactText, safeAddress, shownAddress } from './repository-address';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

describe('commitPage', () => {
  it.each([
    ['ada/fleet', `https://github.com/ada/fleet/commit/${COMMIT}`],
    ['https://github.com/ada/fleet', `https://github.com/ada/fleet/commit/${COMMIT}`],
    [
      'https://ada:secret@git.example.org:8443/ada/fleet.git/',
      `https://git.example.org:8443/ada/fleet/commit/${COMMIT}`,
    ],
    ['git@github.com:ada/fleet.git', `https://github.com/ada/fleet/commit/${COMMIT}`],
    ['ssh://git@codeberg.org:22/ada/fleet.git', `https://codeberg.org/ada/fleet/commit/${COMMIT}`],
    ['https://bitbucket.org/ada/fleet.git', `https://bitbucket.org/ada/fleet/commits/${COMMIT}`],
  ])('of %s', (repository, page) => {
    expect(commitPage(repository, COMMIT)).toBe(page);
  });

  it.each([
    '',
    '/srv/git/fleet.git',
    './fleet',
    'file:///srv/git/fleet',
    'ada@nas:git/fleet',
    'git@nas:/srv/fleet',
    'ext::sh -c id',
    'javascript:alert(1)//a/b',
  ])('of %s is unknown', (repository) => {
    expect(commitPage(repository, COMMIT)).toBeNull();
  });
});

describe('credentials', () => {
  it('are removed from http addresses and kept for the header', () => {
    expect(safeAddress('https://ada:p%40ss@git.example.org/fleet')).toEqual({
      url: 'https://git.example.org/fleet',
      login: { user: 'ada', password: 'p@ss' },
    });
    expect(safeAddress('ssh://git:secret@git.example.org/fleet').url).toBe('ssh://git@git.example.org/fleet');
    expect(safeAddress('git@github.com:ada/fleet').url).toBe('git@github.com:ada/fleet');
  });

  it('are not shown, nor is a query', () => {
    expect(shownAddress('https://ada:secret@example.org/version.json?token=abc#x')).toBe(
      'https://example.org/version.json',
    );
  });

  it('are removed from program output', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9_-]{8,40}$/);
    fc.assert(
      fc.property(secret, secret, fc.string(), (user, password, around) => {
        fc.pre(!around.includes(password) && !'https://@git.example.org/fleet[redacted]'.includes(password));
        const said = `${around} https://${user}:${password}@git.example.org/fleet ${password} ${around}`;
        expect(redactText(said, [password])).not.toContain(password);
      }),
    );
  });

  it('are found in spite of escape sequences inside them', () => {
    expect(redactText('https://ada:se\u001b[1mcret@host and se\u001b[0mcret', ['secret'])).toBe(
      'https://host and [redacted]',
    );
  });

  // What is not linear takes minutes for these, and the runner ends the test.
  it.each([
    ['letters', 'a'.repeat(100_000)],
    ['schemes', 'a://'.repeat(25_000)],
    ['an address without an end', `https://${'a:'.repeat(50_000)}`],
  ])('are looked for in a flood of %s', (_name, text) => {
    for (let answer = 0; answer < 20; answer += 1) expect(redactText(text, ['secret'])).toHaveLength(65_536);
  });
});
