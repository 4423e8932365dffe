/**
 * Texts that make a pattern slow if anything does: a beginning that the pattern accepts, then a repeated part of it,
 * then an end that it refuses. A pattern with overlapping or repeated runs reads such a text again from each of its
 * characters; a linear one reads it once.
 */

/** Any character of a class is one of these, or the class is too rare to matter. */
const ALPHABET = [
  ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index)),
  '\n',
  '\r',
  '\t',
  '\u0000',
  '\u001b',
  '\u0085',
  'é',
  '\u061c',
  '\u2028',
  '\u202e',
  '\ud83d',
  '🟢',
];
/** What a repeated part may follow, besides a beginning of the pattern: nothing, or what hardly any pattern accepts. */
const STARTS = ['', '\u0000'];
const ENDS = ['\u0000', '\n\u0000'];
/** Words that a repeated part may leave out between two others, as in an optional group. */
const MAX_GAP = 2;
/** Characters that stand for a class. */
const SAMPLES = 4;
/** Repeated parts of one pattern, each with a beginning: a long list of words has thousands, which are all alike. */
const MAX_PARTS = 48;
const MAX_PAIRS = 96;
/** Most times that a counted character is repeated, as in `[0-9a-f]{32}`: the pattern reads on only after all of them. */
const MAX_COUNT = 64;

/** A run of literal characters, or one class with some characters that it accepts, and how many of them at least. */
export type Piece = { kind: 'word'; text: string } | { kind: 'class'; accepted: string[]; count: number };

/** An atom, and how often it occurs at least where that is given: `{32}`, `{2,}`, `{1,64}`. */
const ATOM =
  /(\[\^?(?:\\.|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u[0-9a-fA-F]{4}|\\u\{[^}]*\}|\\x[0-9a-fA-F]{2}|\\c[A-Za-z]|\\[^bBk1-9]|\(\?(?:[:=!]|<[=!]|<[A-Za-z]\w*>)|[^\\]|\\.)(?:\{(\d*)(?:,\d*)?\})?/gsu;

/** The pieces of a pattern in their order; groups, quantifiers and assertions are left out. */
export function piecesOf(source: string, flags: string): Piece[] {
  const kept = [/[uv]/.test(flags) ? 'u' : '', flags.includes('i') ? 'i' : '', flags.includes('s') ? 's' : ''].join('');
  const pieces: Piece[] = [];
  let word = '';
  const endWord = () => {
    if (word !== '') pieces.push({ kind: 'word', text: word });
    word = '';
  };
  for (const found of source.matchAll(ATOM)) {
    const [, atom = '', least] = found;
    const accepted = acceptedBy(atom, kept);
    const count = least === undefined ? 1 : Math.min(MAX_COUNT, Math.max(1, Number(least)));
    if (accepted.length === 1) word += accepted.join('').repeat(count);
    else {
      endWord();
      if (accepted.length > 1) pieces.push({ kind: 'class', accepted, count });
    }
  }
  endWord();
  return pieces;
}

/** Characters that a piece of a pattern accepts; none for groups, quantifiers and assertions. */
function acceptedBy(atom: string, flags: string): string[] {
  if (/^(?:\(.*|[)|^$*+?]|\\[bBk1-9])$/s.test(atom)) return [];
  const one = new RegExp(`^(?:${atom})$`, flags);
  // A letter without regard to its case is a letter.
  if (/^[A-Za-z]$/.test(atom)) return [atom];
  return spread(ALPHABET.filter((character) => one.test(character)));
}

/** Texts of about `length` characters for a pattern, each of them once. */
export function attackStrings(source: string, flags: string, length: number): string[] {
  const pieces = piecesOf(source, flags);
  const textsOf = (choose: (accepted: readonly string[]) => string | undefined) =>
    pieces.map((piece) =>
      piece.kind === 'word' ? piece.text : (choose(piece.accepted) ?? piece.accepted[0] ?? '').repeat(piece.count),
    );
  const first = textsOf((accepted) => accepted[0]);
  // A class that accepts spaces besides others must not merge with a run of spaces before it.
  const solid = textsOf((accepted) => accepted.find((character) => character.trim() !== ''));
  /** Each repeated part, with each beginning that it may follow: one of a later run is read only after the runs before. */
  const parts = new Map<string, Set<string>>();
  /** A part that follows the pieces before this one. */
  const put = (part: string, index: number) => {
    const befores = parts.get(part) ?? new Set();
    for (const texts of [first, solid]) befores.add(texts.slice(0, index).join(''));
    if (part !== '') parts.set(part, befores);
  };
  pieces.forEach((piece, index) => {
    if (piece.kind === 'class') for (const character of piece.accepted) put(character, index);
    else put(piece.text, index);
  });
  put(first.join(''), 0);
  first.forEach((text, index) => {
    for (const next of first.slice(index + 1, index + 2 + MAX_GAP)) put(text + next, index);
    put(first.slice(index, index + 3).join(''), index);
    for (const character of text) put(character, index);
  });
  const texts = new Set<string>();
  let pairs = 0;
  for (const [part, befores] of [...parts].slice(0, MAX_PARTS)) {
    const run = part.repeat(Math.ceil(length / part.length));
    // The longest beginnings are those that get furthest into the pattern.
    const chosen = [...befores].reverse().slice(0, Math.max(1, MAX_PAIRS - pairs));
    pairs += chosen.length;
    for (const start of new Set([...STARTS, ...chosen])) for (const end of ENDS) texts.add(start + run + end);
  }
  return [...texts];
}

/** Some characters of a class, from its whole range. */
function spread(accepted: readonly string[]): string[] {
  const step = Math.max(1, Math.floor(accepted.length / SAMPLES));
  return accepted.filter((_, index) => index % step === 0).slice(0, SAMPLES + 1);
}
