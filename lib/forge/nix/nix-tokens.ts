/**
 * The tokens of a Nix file (nix.dev, "Nix language") with their positions: enough to find a set and its bindings
 * despite strings, comments and interpolation. Pure; an unfinished file is an error value.
 */

export interface Token {
  /** `string`: of either kind, with its quotes. `word`: an identifier or keyword. `mark`: an operator or bracket. */
  kind: 'word' | 'string' | 'mark' | 'other';
  text: string;
  start: number;
  /** After the last character. */
  end: number;
}

export type Tokens = { ok: true; tokens: Token[] } | { ok: false; problem: string };

/** Deepest nesting of strings in interpolations. */
const MAX_DEPTH = 100;

class Unfinished extends Error {}

export function nixTokens(text: string): Tokens {
  try {
    return { ok: true, tokens: read(new NixText(text), 0, null, 0).tokens };
  } catch (error) {
    if (error instanceof Unfinished) return { ok: false, problem: error.message };
    throw error;
  }
}

const SPACE = /\s+/y;
const LINE_COMMENT = /#[^\n\r]*/y;
const WORD = /[A-Za-z_][\w'-]*/y;
const MARKS = /\$\{|==|!=|<=|>=|->|&&|\|\||\/\/|\+\+|\.\.\.|[{}()[\];=:,.?@!<>+*/-]/y;
// Numbers, paths and URLs: their content does not matter here.
const PATH_START = /[\w~.+-]*/y;
const PATH_PARTS = /(?:\/[\w.+-]+)+\/?/y;
const SEARCH_PATH = /<[\w./+-]+>/y;
const SCHEME_START = /[A-Za-z]/y;
const SCHEME = /[\w+.-]*/y;
const AFTER_SCHEME = /:[\w%/?:@&=+$,.!~*'-]+/y;
const NUMBER = /[\d.]+(?:[eE][+-]?\d+)?/y;

/**
 * The text, with its paths, URLs and numbers; read from left to right. A path or a URL is known only at the end of its
 * first part, which may be as long as
 * the file and begins again at each of its tokens: each part is read once.
 */
class NixText {
  private readonly ends = new Map<RegExp, number>();

  constructor(readonly text: string) {}

  otherAt(at: number): string | null {
    return (
      this.inParts(PATH_START, PATH_PARTS, at) ??
      match(SEARCH_PATH, this.text, at) ??
      (match(SCHEME_START, this.text, at) === null ? null : this.inParts(SCHEME, AFTER_SCHEME, at)) ??
      match(NUMBER, this.text, at)
    );
  }

  /** A first part with what has to follow it. */
  private inParts(first: RegExp, rest: RegExp, at: number): string | null {
    let end = this.ends.get(first) ?? 0;
    if (end <= at) {
      end = at + (match(first, this.text, at)?.length ?? 0);
      this.ends.set(first, end);
    }
    const found = match(rest, this.text, end);
    return found === null ? null : this.text.slice(at, end) + found;
  }
}

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** Reads up to the end, or up to the brace that closes an interpolation. */
function read(source: NixText, from: number, closes: '}' | null, depth: number): { tokens: Token[]; end: number } {
  if (depth > MAX_DEPTH) throw new Unfinished('its strings are nested too deep');
  const { text } = source;
  const tokens: Token[] = [];
  let open = 0;
  let at = from;
  while (at < text.length) {
    const skipped = match(SPACE, text, at) ?? match(LINE_COMMENT, text, at);
    if (skipped !== null) {
      at += skipped.length;
      continue;
    }
    if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2);
      if (end < 0) throw new Unfinished('a comment is not closed');
      at = end + 2;
      continue;
    }
    const start = at;
    if (text[at] === '"') at = plainString(source, at, depth);
    else if (text.startsWith("''", at)) at = indentedString(source, at, depth);
    if (at > start) {
      tokens.push({ kind: 'string', text: text.slice(start, at), start, end: at });
      continue;
    }
    const other = source.otherAt(at);
    const word = match(WORD, text, at);
    const mark = match(MARKS, text, at);
    const found =
      other !== null && other.length > (word?.length ?? 0) && other.length > (mark?.length ?? 0)
        ? other
        : (word ?? mark ?? other);
    if (found === null) throw new Unfinished(`the character "${text[at] ?? ''}" was not expected`);
    const kind = found === other ? 'other' : found === word ? 'word' : 'mark';
    if (kind === 'mark') {
      if (found === '{' || found === '${') open += 1;
      if (found === '}') {
        if (open === 0 && closes !== null) return { tokens, end: at + 1 };
        open -= 1;
      }
    }
    at += found.length;
    tokens.push({ kind, text: found, start, end: at });
  }
  if (closes !== null) throw new Unfinished('an interpolation is not closed');
  return { tokens, end: at };
}

/** `"…"`: a backslash takes the next character, `$$` is text, `${` begins an interpolation. */
function plainString(source: NixText, from: number, depth: number): number {
  const { text } = source;
  for (let at = from + 1; at < text.length;) {
    if (text[at] === '"') return at + 1;
    if (text[at] === '\\') at += 2;
    else if (text.startsWith('$$', at)) at += 2;
    else if (text.startsWith('${', at)) at = read(source, at + 2, '}', depth + 1).end;
    else at += 1;
  }
  throw new Unfinished('a string is not closed');
}

/** `''…''`: `'''`, `''$` and `''\` are text. */
function indentedString(source: NixText, from: number, depth: number): number {
  const { text } = source;
  for (let at = from + 2; at < text.length;) {
    if (text.startsWith("'''", at) || text.startsWith("''$", at)) at += 3;
    else if (text.startsWith("''\\", at)) at += 4;
    else if (text.startsWith("''", at)) return at + 2;
    else if (text.startsWith('$$', at)) at += 2;
    else if (text.startsWith('${', at)) at = read(source, at + 2, '}', depth + 1).end;
    else at += 1;
  }
  throw new Unfinished('a string is not closed');
}

/** The value of a `"…"` without escapes and interpolation; null for any other token. */
export function plainStringValue(token: Token): string | null {
  return token.kind === 'string' && /^"[^"\\$]*"$/.test(token.text) ? token.text.slice(1, -1) : null;
}
