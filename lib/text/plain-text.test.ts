/* eslint no-control-regex: off -- control characters are what this file is about */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LINE, MAX_TEXT, outputLine, plainName, plainText } from './plain-text';

const ESC = '\u001b';
const SGR = /\u001b\[[0-9;:]{0,64}m/g;
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/;
const OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Bits that real and hostile output is made of. */
const bits = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 4 }),
    fc.constantFrom(
      ESC,
      `${ESC}[`,
      `${ESC}]`,
      `${ESC}P`,
      `${ESC}\\`,
      '\u0007',
      '\u009b',
      '\u009d',
      '\u0090',
      '\u009c',
      'm',
      '31',
      ';',
      ':',
      '?',
      ' ',
      '\r',
      '\n',
      '\u202e',
      '\ud83d',
      `${ESC}[1;31m`,
      `${ESC}[0m`,
      'text',
    ),
  ),
  { maxLength: 40 },
);

/** What `outputLine` means, by patterns: short, but too slow for what an agent may send. */
function byPatterns(value: string): string {
  const withoutControls = (text: string) =>
    text
      .replace(
        /(?:\u001b\[|\u009b)([0-?]*)([ -/]*)([@-~])?|(?:\u001b[PX\]^_]|[\u0090\u0098\u009d\u009e\u009f])(?:[^\u0007\u001b\u009c]*)(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g,
        (_whole, parameters?: string, intermediates?: string, final?: string) =>
          final === 'm' && intermediates === '' && parameters !== undefined && /^[0-9;:]{0,64}$/.test(parameters)
            ? `${ESC}[${parameters}m`
            : '',
      )
      .replace(
        /[\u0000-\u0008\u000a-\u001a\u001c-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
        '\ufffd',
      )
      .replace(/\p{Surrogate}/gu, '\ufffd');
  const line = value.slice(0, MAX_LINE).replace(/(?<![\r\n])[\r\n]+$/, '');
  if (!line.includes('\r')) return withoutControls(line);
  const parts = line.split('\r').map(withoutControls);
  return parts.findLast((part) => part.replace(SGR, '') !== '') ?? '';
}

describe('outputLine', () => {
  it.each([
    ['plain text', 'building the system', 'building the system'],
    ['tabs', 'a\tb', 'a\tb'],
    ['an empty line', '', ''],
    ['emoji and other scripts', '🟢 Lock: Über 日本 👩‍💻', '🟢 Lock: Über 日本 👩‍💻'],
    ['basic colours', `${ESC}[31mred${ESC}[0m`, `${ESC}[31mred${ESC}[0m`],
    ['the reset without a number', `${ESC}[m`, `${ESC}[m`],
    ['256 colours', `${ESC}[38;5;208mx`, `${ESC}[38;5;208mx`],
    ['true colours', `${ESC}[38;2;255;0;128mx`, `${ESC}[38;2;255;0;128mx`],
    ['true colours with colons', `${ESC}[38:2::255:0:128mx`, `${ESC}[38:2::255:0:128mx`],
    ['bold, underlined', `${ESC}[1;4mx`, `${ESC}[1;4mx`],
  ])('keeps %s', (_name, line, expected) => {
    expect(outputLine(line)).toBe(expected);
  });

  it.each([
    ['cursor movement', `a${ESC}[2Ab${ESC}[10;20Hc`, 'abc'],
    ['clearing of the screen and the line', `a${ESC}[2J${ESC}[Kb`, 'ab'],
    ['private modes', `${ESC}[?25la${ESC}[?1049h`, 'a'],
    ['key modes that look like colours', `${ESC}[>4;1ma${ESC}[?1m`, 'a'],
    ['a colour with an intermediate byte', `${ESC}[31 ma`, 'a'],
    ['links (OSC 8), but not their text', `${ESC}]8;;https://evil.example${ESC}\\here${ESC}]8;;${ESC}\\`, 'here'],
    ['the clipboard (OSC 52)', `a${ESC}]52;c;cm0gLXJmIC8=\u0007b`, 'ab'],
    ['the window title (OSC 0)', `${ESC}]0;title\u0007a`, 'a'],
    ['an unterminated OSC', `a${ESC}]0;title`, 'a'],
    ['an OSC that a colour interrupts', `${ESC}]0;t${ESC}[31ma`, `${ESC}[31ma`],
    ['device control strings', `a${ESC}P+q544e${ESC}\\b`, 'ab'],
    ['application, privacy and start of strings', `a${ESC}_x${ESC}\\${ESC}^y${ESC}\\${ESC}Xz${ESC}\\b`, 'ab'],
    ['C1 forms of OSC and DCS', 'a\u009d0;t\u009cb\u0090q\u009cc', 'abc'],
    ['full reset and character sets', `${ESC}ca${ESC}(0b${ESC}7`, 'ab'],
    ['an escape at the end', `a${ESC}`, 'a'],
    ['a control sequence at the end', `a${ESC}[31`, 'a'],
    ['more parameters than anybody needs', `${ESC}[${'1;'.repeat(40)}1ma`, 'a'],
  ])('takes away %s', (_name, line, expected) => {
    expect(outputLine(line)).toBe(expected);
  });

  it.each([
    ['C0 controls', 'a\u0000\u0007\u0008\u000b\u007fb', 'a\ufffd\ufffd\ufffd\ufffd\ufffdb'],
    ['C1 controls', 'a\u0085\u008db', 'a\ufffd\ufffdb'],
    ['line breaks inside', 'a\nb\u2028c', 'a\ufffdb\ufffdc'],
    ['direction overrides and isolates', 'a\u202eb\u2066c', 'a\ufffdb\ufffdc'],
    ['halves of surrogate pairs', 'a\ud83db\ude00', 'a\ufffdb\ufffd'],
  ])('makes %s visible', (_name, line, expected) => {
    expect(outputLine(line)).toBe(expected);
  });

  it.each([
    ['a progress bar', ' 10%\r 50%\r100%', '100%'],
    ['a progress bar that ends its line', ' 10%\r100%\r', '100%'],
    ['a line with a DOS end', 'text\r\n', 'text'],
    ['a colour reset after the text', `text\r${ESC}[0m`, 'text'],
    ['a bar that is erased', `50%\r${ESC}[K`, '50%'],
    ['carriage returns alone', '\r\r\r', ''],
  ])('of %s, the last visible part is kept', (_name, line, expected) => {
    expect(outputLine(line)).toBe(expected);
  });

  it('turns the C1 form of a colour into the plain one', () => {
    expect(outputLine('\u009b31mred')).toBe(`${ESC}[31mred`);
  });

  it('leaves only text, tabs and complete colours, and is idempotent', () => {
    fc.assert(
      fc.property(bits, (parts) => {
        const line = outputLine(parts.join(''));
        const text = line.replace(SGR, '');
        expect(text).not.toMatch(CONTROLS);
        expect(text).not.toMatch(OVERRIDES);
        expect(text).not.toMatch(LONE_SURROGATE);
        expect(outputLine(line)).toBe(line);
      }),
      { numRuns: 2_000 },
    );
  });

  it('matches the reference patterns for every kind of line', () => {
    const STEERING = [
      ESC,
      '[',
      ']',
      'P',
      'X',
      '^',
      '_',
      '\\',
      '\u0007',
      '\u0090',
      '\u0098',
      '\u009b',
      '\u009c',
      '\u009d',
      '\u009e',
      '\u009f',
      ' ',
      '0',
      ';',
      ':',
      '?',
      '/',
      'm',
      '~',
      '@',
      '\r',
      '\n',
      '\t',
      '\ud83d',
      '\ude00',
      'x',
    ];
    const steering = fc.array(fc.constantFrom(...STEERING), { maxLength: 30 }).map((units) => units.join(''));
    const units = fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 })
      .map((codes) => String.fromCharCode(...codes));
    const narrow = fc
      .array(fc.oneof(fc.integer({ min: 0, max: 0x9f }), fc.integer({ min: 0x2020, max: 0x2070 })), { maxLength: 30 })
      .map((codes) => String.fromCharCode(...codes));
    const halves = fc
      .array(fc.constantFrom('\ud83d', '\ude00', `${ESC}[K`, `${ESC}[1m`, '\r', '\ufeff', 'x'), { maxLength: 20 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        fc.oneof(
          bits.map((parts) => parts.join('')),
          steering,
          units,
          narrow,
          halves,
        ),
        (line) => {
          expect(outputLine(line)).toBe(byPatterns(line));
        },
      ),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['63', 63],
    ['64', 64],
    ['65', 65],
  ])('matches the reference patterns for a colour with %s characters of parameters', (_name, length) => {
    const line = `a${ESC}[${'1'.repeat(length)}mb`;
    expect(outputLine(line)).toBe(byPatterns(line));
  });

  it('matches the reference patterns where the longest line is cut', () => {
    for (const tail of [`${ESC}[31m`, '🟢', '\r\n', `\u009b1m`, `${ESC}]x`]) {
      for (let before = MAX_LINE - 6; before <= MAX_LINE; before += 1) {
        const line = 'x'.repeat(before) + tail + 'y';
        expect(outputLine(line)).toBe(byPatterns(line));
      }
    }
  });

  it('keeps every colour of a line of nothing but colours, exactly', () => {
    const word = fc.stringMatching(/^[ -~]{0,12}$/);
    const sgr = fc.array(fc.nat({ max: 255 }), { maxLength: 6 }).map((parameters) => `${ESC}[${parameters.join(';')}m`);
    fc.assert(
      fc.property(fc.array(fc.tuple(word, sgr)), (parts) => {
        const line = parts.flat().join('');
        expect(outputLine(line)).toBe(line);
      }),
    );
  });

  it('is bounded by the longest line', () => {
    expect(outputLine('x'.repeat(MAX_LINE + 10))).toHaveLength(MAX_LINE);
    expect(outputLine('\u009bm'.repeat(MAX_LINE)).length).toBeLessThanOrEqual(1.5 * MAX_LINE);
  });

  /** Best of some runs: other work on the machine makes a run slower, never faster. */
  /**
   * A flood of them: what is linear is through in a fraction of a second; what is quadratic takes seconds for each, and
   * the runner ends the test (nothing here reads a clock).
   */
  const FLOOD = 50;

  it.each([
    ['escapes', ESC],
    ['control sequences that do not end', `${ESC}[1;`],
    ['strings that do not end', `${ESC}]`],
    ['C1 strings that do not end', '\u009d'],
    ['escapes with intermediates', `${ESC}    `],
    ['carriage returns', '\r'],
    ['carriage returns with escapes', `\r${ESC}[`],
    ['line endings with text behind', '\r\n'],
    ['progress', 'a\r'],
  ])('handles a flood of %s', (_name, unit) => {
    const line = `${unit.repeat(Math.floor((MAX_LINE - 1) / unit.length))}x`;
    for (let sent = 0; sent < FLOOD; sent += 1) outputLine(line);
    expect(outputLine(line).length).toBeLessThanOrEqual(line.length);
  });
});

describe('plainText', () => {
  it.each([
    ['a forged log line', 'ok\n2026-01-01 admin signed in', 'ok 2026-01-01 admin signed in'],
    ['a carriage return', 'visible\rhidden', 'visible hidden'],
    ['an override', 'abc\u202egnp.exe', 'abc gnp.exe'],
    ['marks without width', 'ad\u200bmin\ufeff', 'ad min'],
    ['an Arabic letter mark', 'a\u061cb', 'a b'],
    [
      'the colours of Nix',
      `${ESC}[31;1merror:${ESC}[0m attribute ${ESC}[35;1m'x'${ESC}[0m missing`,
      "error: attribute 'x' missing",
    ],
    ['a colour inside a word', `re${ESC}[1md`, 'red'],
    ['a window title', `a${ESC}]0;title\u0007b`, 'ab'],
    ['a link', `${ESC}]8;;http://example.org${ESC}\\here${ESC}]8;;${ESC}\\`, 'here'],
    ['a colour with C1', 'a\u009b31mb', 'ab'],
    ['cursor movements', `${ESC}[2K${ESC}[1Gdone`, 'done'],
    ['a lone escape', `a${ESC}`, 'a'],
    ['half of a surrogate pair', 'a\ud83d', 'a\ufffd'],
    ['ends', '  a  ', 'a'],
    ['emoji', '🟢 ok', '🟢 ok'],
  ])('makes %s harmless', (_name, value, expected) => {
    expect(plainText(value)).toBe(expected);
  });

  it('bounds what is left of a coloured text, not what was received', () => {
    expect(plainText(`${ESC}[31;1mabc${ESC}[0m`, 3)).toBe('abc');
  });

  it('leaves no half of a pair that the cut splits', () => {
    expect(plainText('ab🟢', 3)).toBe('ab\ufffd');
  });

  it('is one line of bounded length, whatever the input', () => {
    fc.assert(
      fc.property(bits, fc.nat({ max: 50 }), (parts, max) => {
        const text = plainText(parts.join(''), max);
        expect(text.length).toBeLessThanOrEqual(max);
        expect(text).not.toMatch(CONTROLS);
        expect(text).not.toMatch(/[\u2028\u2029\u200b-\u200f\ufeff\t]/);
        expect(text).not.toMatch(OVERRIDES);
        expect(text).not.toMatch(LONE_SURROGATE);
        expect(text).toBe(text.trim());
      }),
      { numRuns: 1_000 },
    );
    expect(plainText('x'.repeat(MAX_TEXT + 1))).toHaveLength(MAX_TEXT);
  });
});

describe('plainName', () => {
  it('keeps unsafe characters visible, so that no name passes as another', () => {
    expect(plainName('  h1\n', 64)).toBe('h1');
    expect(plainName('h\u200b1', 64)).toBe('h\ufffd1');
    expect(plainName('h1\u202e', 64)).toBe('h1\ufffd');
  });
});
