import { expect, it } from 'vitest';
import { themeColorOf } from './theme-color';

it.each([
  ['#7aa2f7', '#7aa2f7'],
  ['#7AA2F7', '#7aa2f7'],
  ['#abc', '#aabbcc'],
  ['#0F9', '#00ff99'],
  [' #abc\n', '#aabbcc'],
])('reads the colour %j as %s', (text, color) => expect(themeColorOf(text)).toBe(color));

it.each(['', 'blue', 'abc', '#ab', '#abcd', '#abcde', '#abcdefa', '#ggg', '#abc;}', 'rgb(1,2,3)'])(
  'takes %j for no colour',
  (text) => expect(themeColorOf(text)).toBeNull(),
);
