import { expect, it } from 'vitest';
import { shownFor } from './toast-store';

const action = { label: 'View output', run: () => undefined };

it('a toast with a button leaves by itself, later than one without', () => {
  const shown = shownFor({ tone: 'success' }) ?? 0;
  expect(shown).toBeGreaterThan(1_000);
  expect(shownFor({ tone: 'success', action })).toBeGreaterThan(shown);
  expect(shownFor({ tone: 'error', action })).toBeGreaterThan(shown);
});

it('an error without a button stays', () => {
  expect(shownFor({ tone: 'error' })).toBeNull();
});
