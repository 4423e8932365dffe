/** Finds an attribute set by name in a Nix file, with its bindings. Pure. */
import { nixTokens, plainStringValue, type Token } from './nix-tokens';

export interface Binding {
  /** Null when it is not a plain name: a path (`a.b`), an interpolation, an `inherit`. */
  name: string | null;
  /** From the name's first character. */
  start: number;
  value: readonly Token[];
  /** After the semicolon. */
  end: number;
}

export interface AttributeSet {
  /** Of the opening brace. */
  start: number;
  /** Of the closing brace. */
  close: number;
  bindings: readonly Binding[];
}

export type Found<Value> = { ok: true; value: Value } | { ok: false; problem: string };

const OPENS = new Set(['{', '${', '(', '[', 'let']);
const CLOSES = new Set(['}', ')', ']', 'in']);

/**
 * The only binding `name = { … };` of a file. None, several, one composed of parts, and one in the form `name.x = …`
 * are problems: a clause for "The file … <problem>".
 */
export function findSet(text: string, name: string): Found<AttributeSet> {
  const read = nixTokens(text);
  if (!read.ok) return { ok: false, problem: `can't be read: ${read.problem}` };
  const { tokens } = read;
  const places: number[] = [];
  for (const [index, token] of tokens.entries()) {
    if (nameOf(token) !== name) continue;
    const before = tokens[index - 1]?.text;
    const after = tokens[index + 1]?.text;
    const begins = before === '{' || before === ';' || before === 'let' || before === '.';
    if (begins && after === '.' && before !== '.') {
      return {
        ok: false,
        problem: `sets ${name} in the form \`${name}.x = …\`: write it as one set, \`${name} = { … };\``,
      };
    }
    if (begins && after === '=') places.push(index + 2);
  }
  const [place, second] = places;
  if (place === undefined) return { ok: false, problem: `has no \`${name} = { … };\`` };
  if (second !== undefined)
    return { ok: false, problem: `sets ${name} ${places.length} times: it is unclear which one is meant` };
  const open = tokens[place]?.text === 'rec' ? place + 1 : place;
  return tokens[open]?.text === '{'
    ? setAt(tokens, open, name)
    : { ok: false, problem: `has a ${name} that is not a plain set` };
}

function setAt(tokens: readonly Token[], open: number, name: string): Found<AttributeSet> {
  const bindings: Binding[] = [];
  const brace = tokens[open];
  let at = open + 1;
  for (let first = tokens[at]; brace !== undefined && first !== undefined; first = tokens[at]) {
    if (first.text === '}') {
      return tokens[at + 1]?.text === ';'
        ? { ok: true, value: { start: brace.start, close: first.start, bindings } }
        : { ok: false, problem: `has a ${name} that is composed of parts` };
    }
    const end = endOfBinding(tokens, at);
    const semicolon = end === null ? undefined : tokens[end];
    if (end === null || semicolon === undefined) break;
    const isPlain = tokens[at + 1]?.text === '=';
    bindings.push({
      name: isPlain ? nameOf(first) : null,
      start: first.start,
      value: isPlain ? tokens.slice(at + 2, end) : [],
      end: semicolon.end,
    });
    at = end + 1;
  }
  return { ok: false, problem: `has a ${name} that is not closed` };
}

/** The index of the semicolon that ends the binding; those of `let … in`, `with x;` and `assert x;` do not. */
function endOfBinding(tokens: readonly Token[], from: number): number | null {
  let depth = 0;
  let owed = 0;
  for (let at = from; at < tokens.length; at += 1) {
    const { text, kind } = tokens[at] ?? { text: '', kind: 'other' };
    if (kind === 'string') continue;
    if (OPENS.has(text)) depth += 1;
    else if (CLOSES.has(text)) depth -= 1;
    if (depth < 0) return null;
    if (depth > 0) continue;
    if (text === 'with' || text === 'assert') owed += 1;
    if (text !== ';') continue;
    if (owed === 0) return at;
    owed -= 1;
  }
  return null;
}

const KEYWORDS = new Set(['let', 'in', 'with', 'assert', 'inherit', 'rec', 'if', 'then', 'else', 'or']);

function nameOf(token: Token): string | null {
  if (token.kind === 'string') return plainStringValue(token);
  return token.kind === 'word' && !KEYWORDS.has(token.text) ? token.text : null;
}
