import { expect, it } from 'vitest';
import { DOUBLE_CLICK_MS, DoubleClicks } from './double-click';

it('detects a second quick click on the same operation and hosts, and nothing else', () => {
  const clicks = new DoubleClicks();
  expect(clicks.isSecond('pull h1', 0)).toBe(false);
  clicks.sent('pull h1', 0);
  expect(clicks.isSecond('pull h1', 200)).toBe(true);
  expect(clicks.isSecond('pull h1', 400)).toBe(true);
  expect(clicks.isSecond('switch h1', 450)).toBe(false);
  expect(clicks.isSecond('pull h1', DOUBLE_CLICK_MS)).toBe(false);
});
