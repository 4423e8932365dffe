import { expect, it } from 'vitest';
import { steadyRows } from './steady';

const keyOf = ({ id }: { id: string }) => id;
const a = { id: 'a', text: 'old' };
const b = { id: 'b', text: 'old' };

it('rows follow the list while nothing is kept', () => {
  expect(steadyRows(null, [b, a], keyOf)).toEqual({
    rows: [
      { item: b, isGone: false },
      { item: a, isGone: false },
    ],
    arrived: 0,
  });
});

it('kept rows stay in place with their current content, and what arrives is counted', () => {
  const now = [
    { id: 'c', text: 'new' },
    { id: 'b', text: 'new' },
  ];
  expect(steadyRows([a, b], now, keyOf)).toEqual({
    rows: [
      { item: a, isGone: true },
      { item: { id: 'b', text: 'new' }, isGone: false },
    ],
    arrived: 1,
  });
});
