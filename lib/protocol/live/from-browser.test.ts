import { describe, expect, it } from 'vitest';
import { liveClientSchema } from './from-browser';

describe('messages of browsers', () => {
  it.each([
    { t: 'hello' },
    { t: 'hello', epoch: 'e', version: 3 },
    { t: 'resync' },
    { t: 'watch', commandId: 'c', after: 0 },
    { t: 'unwatch', commandId: 'c' },
    { t: 'ping' },
  ])('accepts %j', (message) => {
    expect(liveClientSchema.parse(message)).toEqual(message);
  });

  it.each([
    null,
    'hello',
    {},
    { t: 'constructor' },
    { t: 'hello', version: -1 },
    { t: 'hello', epoch: 'e'.repeat(65) },
    { t: 'watch', commandId: 'c' },
    { t: 'watch', commandId: 'c', after: 1.5 },
    { t: 'watch', commandId: 'c'.repeat(65), after: 0 },
  ])('refuses %j', (message) => {
    expect(liveClientSchema.safeParse(message).success).toBe(false);
  });
});
