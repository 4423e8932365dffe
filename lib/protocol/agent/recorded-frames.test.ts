import { describe, expect, it } from 'vitest';
import { parseAgentFrame } from './parse-agent-frame';
import { RECORDED_FRAMES, RECORDED_LINES } from './testing/recorded-frames';

describe('frames recorded from a Go agent', () => {
  it('are 39, each with an expected result', () => {
    expect(RECORDED_LINES).toHaveLength(39);
    expect(RECORDED_FRAMES).toHaveLength(39);
  });

  it.each(
    RECORDED_LINES.map((line, index) => ({ number: index + 1, type: RECORDED_FRAMES[index]?.type, line, index })),
  )('frame $number ($type) parses to the expected result', ({ line, index }) => {
    expect(parseAgentFrame(line)).toEqual({ kind: 'frame', frame: RECORDED_FRAMES[index] });
  });
});
