import { expect, it } from 'vitest';
import { holdToasts, shownFor, toast, toastStore } from './toast-store';

const action = { label: 'View output', run: () => undefined };

it('a toast with a button closes by itself, later than one without', () => {
  const shown = shownFor({ tone: 'success' }) ?? 0;
  expect(shown).toBeGreaterThan(1_000);
  expect(shownFor({ tone: 'success', action })).toBeGreaterThan(shown);
  expect(shownFor({ tone: 'error', action })).toBeGreaterThan(shown);
});

it('an error without a button stays', () => {
  expect(shownFor({ tone: 'error' })).toBeNull();
});

it('keeps every toast while a pointer is over them', () => {
  const titles = () => toastStore.get().map(({ title }) => title);
  for (const title of ['1', '2', '3', '4']) toast({ tone: 'info', title });
  holdToasts(true);
  toast({ tone: 'info', title: '5' });
  expect(titles()).toEqual(['1', '2', '3', '4', '5']);
  holdToasts(false);
  expect(titles()).toEqual(['2', '3', '4', '5']);
});
