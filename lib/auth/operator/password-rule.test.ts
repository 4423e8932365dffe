import { describe, expect, it } from 'vitest';
import { passwordProblem } from './password-rule';

describe('a new password', () => {
  it.each([
    'correct horse battery staple',
    'Tr0ub4dor&3-and-more',
    'жаль что слон не умеет летать',
    '🐘🦒🦓🦔🦕🦖🦗🦘🦙🦚🦛🦜',
    '0f9c1b7a2d4e',
    'an operator who likes elephants',
    'x'.repeat(3) + 'kdhwoapqmzne'.repeat(10),
  ])('%s is taken', (password) => {
    expect(passwordProblem(password)).toBeNull();
  });

  it.each([
    ['short', 'at least 12'],
    ['', 'at least 12'],
    ['x'.repeat(129), 'at most 128'],
    ['aaaaaaaaaaaaaaa', 'easy to guess'],
    ['abcabcabcabcabc', 'easy to guess'],
    ['123456789012', 'easy to guess'],
    ['9876543210987', 'easy to guess'],
    ['qwertyuiopas', 'easy to guess'],
    ['passwordpassword', 'easy to guess'],
    ['Password123456', 'easy to guess'],
    ['P@ssw0rd-2026!', 'easy to guess'],
    ['nixfleet-admin', 'easy to guess'],
    ['operator 2026 2026', 'easy to guess'],
  ])('%s is refused', (password, why) => {
    expect(passwordProblem(password)).toContain(why);
  });
});
