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
    ['aaaaaaaaaaaaaaa', 'first that is tried'],
    ['abcabcabcabcabc', 'first that is tried'],
    ['123456789012', 'first that is tried'],
    ['9876543210987', 'first that is tried'],
    ['qwertyuiopas', 'first that is tried'],
    ['passwordpassword', 'first that is tried'],
    ['Password123456', 'first that is tried'],
    ['P@ssw0rd-2026!', 'first that is tried'],
    ['nixfleet-admin', 'first that is tried'],
    ['operator 2026 2026', 'first that is tried'],
  ])('%s is refused', (password, why) => {
    expect(passwordProblem(password)).toContain(why);
  });
});
