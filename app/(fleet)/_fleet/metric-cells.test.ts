import { expect, it } from 'vitest';
import { metricTone } from './metric-cells';

it('a busy host is marked, but never as a failure', () => {
  expect([0, 89, 90, 100].map((value) => metricTone(value, false))).toEqual(['idle', 'idle', 'warn', 'warn']);
  expect([metricTone(100, true), metricTone(null, false)]).toEqual(['idle', 'idle']);
});
