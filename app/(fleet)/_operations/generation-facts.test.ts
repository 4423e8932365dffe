import { expect, it } from 'vitest';
import { isInUse, shortRevision } from './generation-facts';

it.each([
  ['3c9a808aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '3c9a808'],
  ['3c9a808aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-dirty', '3c9a808-dirty'],
  ['3c9a808', '3c9a808'],
  ['v1.2 of the configuration', 'v1.2 of the configuration'],
  ['', ''],
])('shortens the commit %j to %j', (revision, short) => {
  expect(shortRevision(revision)).toBe(short);
});

it('a generation can be chosen unless it runs and is the boot default', () => {
  expect(isInUse({ runs: true, nextBoot: true })).toBe(true);
  expect(isInUse({ runs: true, nextBoot: false })).toBe(false);
  expect(isInUse({ runs: false, nextBoot: true })).toBe(false);
});
