import { expect, it } from 'vitest';
import { sizeText } from './size-text';

it.each([
  [0, '0 bytes'],
  [1_023, '1023 bytes'],
  [1_536, '1.5 KiB'],
  [831_488, '812 KiB'],
  [1_503_238_554, '1.4 GiB'],
])('formats %d bytes as %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
