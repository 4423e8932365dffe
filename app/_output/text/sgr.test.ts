import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outputLine } from '@/lib/text/plain-text';
import { parseSgr, PLAIN_STYLE, plainOutput, styleAfter } from './sgr';
import { contrastOf, MIN_CONTRAST, paintSgr, SGR_BACKGROUNDS } from './sgr-paint';

const ESC = '\u001b';
/** A sequence without its last character, at the end of a text. */
const UNFINISHED = new RegExp(`${ESC}\\[[0-9;:]*$`);

/** Lines with many sequences, well-formed and malformed. */
const line = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc
        .array(fc.oneof(fc.integer({ min: 0, max: 300 }).map(String), fc.constantFrom('', ':', '38', '48', '2', '5')), {
          maxLength: 8,
        })
        .chain((parts) => fc.constantFrom(';', ':').map((join) => `${ESC}[${parts.join(join)}m`)),
      fc.constantFrom(`${ESC}[`, ESC, `${ESC}[1`, '<b>', '&amp;', `${ESC}[38;5`, `${ESC}[2K`),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''));

describe('parseSgr', () => {
  it('splits a line at its colours', () => {
    const segments = parseSgr(`a${ESC}[31;1mred${ESC}[0m z`);
    expect(segments.map((segment) => segment.text)).toEqual(['a', 'red', ' z']);
    expect(segments[0]?.style).toBe(PLAIN_STYLE);
    expect(segments[1]?.style).toMatchObject({ fg: { kind: 'named', index: 1 }, bold: true });
    expect(segments[2]?.style).toEqual(PLAIN_STYLE);
  });

  it.each([
    ['8 colours', '32', { fg: { kind: 'named', index: 2 } }],
    ['16 colours', '94;107', { fg: { kind: 'named', index: 12 }, bg: { kind: 'named', index: 15 } }],
    ['256: named', '38;5;9', { fg: { kind: 'named', index: 9 } }],
    ['256: cube', '38;5;208', { fg: { kind: 'rgb', r: 255, g: 135, b: 0 } }],
    ['256: grey', '48;5;244', { bg: { kind: 'rgb', r: 128, g: 128, b: 128 } }],
    ['true colour', '38;2;1;2;3', { fg: { kind: 'rgb', r: 1, g: 2, b: 3 } }],
    ['true colour with colons', '38:2::1:2:3', { fg: { kind: 'rgb', r: 1, g: 2, b: 3 } }],
    ['true colour with colons, no colour space', '38:2:1:2:3', { fg: { kind: 'rgb', r: 1, g: 2, b: 3 } }],
    ['parameters after a colour', '38;5;9;1;4', { fg: { kind: 'named', index: 9 }, bold: true, underline: true }],
    ['dim, italic, inverse, strike', '2;3;7;9', { dim: true, italic: true, inverse: true, strike: true }],
    ['underline off by colon', '4;4:0', { underline: false }],
    ['all attributes reset one by one', '1;2;3;4;7;9;31;41;22;23;24;27;29;39;49', PLAIN_STYLE],
    ['reset by an empty parameter', '31;1;', PLAIN_STYLE],
  ])('understands %s', (_name, parameters, style) => {
    expect(styleAfter(`${ESC}[${parameters}m`)).toMatchObject(style);
  });

  it.each(['38', '38;5', '38;2;1;2', '38;5;256', '38;2;1;2;999', '38;9;1', '999', '38:5'])(
    'ignores the malformed parameters %s',
    (parameters) => {
      expect(styleAfter(`${ESC}[${parameters}m`).fg).toBeNull();
    },
  );

  it('continues with the style of an earlier line', () => {
    const start = styleAfter(`${ESC}[33mwarning:`);
    expect(parseSgr('second line', start)).toEqual([{ text: 'second line', style: start }]);
  });

  it('never throws and preserves the text', () => {
    fc.assert(
      fc.property(line, (text) => {
        const segments = parseSgr(text);
        expect(segments.map((segment) => segment.text).join('')).toBe(plainOutput(text));
        expect(segments.every((segment) => segment.text !== '')).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('leaves no escape character in a sanitised line', () => {
    fc.assert(
      fc.property(line, (text) => {
        expect(plainOutput(outputLine(text))).not.toContain(ESC);
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives the same style for a line parsed at once or in pieces', () => {
    fc.assert(
      fc.property(line, line, (a, b) => {
        fc.pre(!a.endsWith(ESC) && !UNFINISHED.test(a));
        expect(styleAfter(b, styleAfter(a))).toEqual(styleAfter(a + b));
      }),
    );
  });
});

describe('paintSgr', () => {
  it('is null for plain text and for bold text without colours', () => {
    expect(paintSgr(PLAIN_STYLE)).toBeNull();
    expect(paintSgr({ ...PLAIN_STYLE, bold: true })).toBeNull();
  });

  it('is readable in both themes for every colour', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const color = fc.oneof(
      fc.constant(null),
      fc.integer({ min: 0, max: 15 }).map((index) => ({ kind: 'named', index }) as const),
      fc.record({ kind: fc.constant('rgb' as const), r: byte, g: byte, b: byte }),
    );
    fc.assert(
      fc.property(color, color, fc.boolean(), (fg, bg, inverse) => {
        const paint = paintSgr({ ...PLAIN_STYLE, fg, bg, inverse });
        if (!paint) return;
        for (const theme of ['light', 'dark'] as const) {
          const { fg: front, bg: back } = paint[theme];
          if (front === null) throw new Error('a painted style has a text colour');
          expect(contrastOf(front, back ?? SGR_BACKGROUNDS[theme])).toBeGreaterThanOrEqual(MIN_CONTRAST);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps the named colours as they are on their own', () => {
    for (let index = 0; index < 16; index += 1) {
      const alone = paintSgr({ ...PLAIN_STYLE, fg: { kind: 'named', index } });
      const asGround = paintSgr({ ...PLAIN_STYLE, bg: { kind: 'named', index } });
      expect(alone?.light.fg).toBe(asGround?.light.bg);
      expect(alone?.dark.fg).toBe(asGround?.dark.bg);
    }
  });
});
