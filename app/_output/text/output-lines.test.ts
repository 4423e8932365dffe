import { expect, it } from 'vitest';
import { toEndLabel } from './output-lines';

it('the button to the end names new lines, and offers Follow only while the command runs', () => {
  expect([toEndLabel(1, false), toEndLabel(1_234, true)]).toEqual(['1 new line', '1,234 new lines']);
  expect([toEndLabel(0, false), toEndLabel(0, true)]).toEqual(['Follow', 'To the end']);
});
