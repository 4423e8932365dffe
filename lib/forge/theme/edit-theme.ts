/**
 * Writes a host's colour into a Nix file that has the sets `palettes` and `hostPalette`: a palette `custom-<host>`, and
 * the host's entry that names it. Pure. The reference wrote at the last `};` that it found, which broke the file.
 */
import { findSet, type AttributeSet, type Binding, type Found } from '../nix/attribute-set';
import { plainStringValue } from '../nix/nix-tokens';
import { paletteOf } from './gradient';

const HOST = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Gives the new text; a problem is a clause for "The file … <problem>". Equal text: the colour is there already. */
export function setThemeColor(text: string, host: string, color: string): Found<string> {
  if (!HOST.test(host))
    return { ok: false, problem: 'can hold no host of this name: letters, digits, ".", "_" and "-" alone' };
  const name = `custom-${host}`;
  const named = withEntry(
    text,
    'hostPalette',
    host,
    (indent) => `${indent}"${host}" = "${name}";`,
    (old) =>
      old.length === 1 && old[0] !== undefined && plainStringValue(old[0]) !== null
        ? { at: old[0], text: `"${name}"` }
        : null,
  );
  if (!named.ok) return named;
  const written = withEntry(
    named.value,
    'palettes',
    name,
    (indent) => `${indent}"${name}" = ${palette(host, color, indent)};`,
    (old, indent) => {
      const first = old[0];
      const last = old.at(-1);
      if (first?.text !== '{' || last?.text !== '}') return null;
      return { at: { start: first.start, end: last.end }, text: palette(host, color, indent) };
    },
  );
  if (!written.ok) return written;
  return reads(written.value, host, name) ? written : { ok: false, problem: 'would not say afterwards what it should' };
}

type Replace = (old: Binding['value'], indent: string) => { at: { start: number; end: number }; text: string } | null;

/** The text with an entry of a set put in anew, or added at the set's end. */
function withEntry(
  text: string,
  set: string,
  name: string,
  added: (indent: string) => string,
  replace: Replace,
): Found<string> {
  const found = findSet(text, set);
  if (!found.ok) return found;
  const { bindings, close } = found.value;
  const same = bindings.filter((binding) => binding.name?.toLowerCase() === name.toLowerCase());
  if (same.length > 1) return { ok: false, problem: `has more than one ${name} in ${set}` };
  const [known] = same;
  if (known === undefined) return { ok: true, value: insert(text, found.value, close, added) };
  const change = replace(known.value, indentAt(text, known.start));
  if (change === null)
    return { ok: false, problem: `has a ${name} in ${set} that is worked out, and is not overwritten` };
  return { ok: true, value: text.slice(0, change.at.start) + change.text + text.slice(change.at.end) };
}

function insert(text: string, { bindings }: AttributeSet, close: number, added: (indent: string) => string): string {
  const last = bindings.at(-1);
  const outer = indentAt(text, close);
  const indent = last === undefined ? `${outer}  ` : indentAt(text, last.start);
  // Before the line of the closing brace, so that a comment behind the last entry stays with it.
  const line = text.lastIndexOf('\n', close - 1) + 1;
  const isAlone = text.slice(line, close).trim() === '';
  const at = isAlone ? line : close;
  return `${text.slice(0, at)}${isAlone ? '' : '\n'}${added(indent)}\n${isAlone ? '' : outer}${text.slice(at)}`;
}

/** The white space at the beginning of the line in which something stands. */
function indentAt(text: string, at: number): string {
  const line = text.lastIndexOf('\n', at - 1) + 1;
  return /^[ \t]*/.exec(text.slice(line, at))?.[0] ?? '';
}

function palette(host: string, color: string, indent: string): string {
  const { gradient, text, zellij } = paletteOf(color);
  const entries = (values: Record<string, string>): string =>
    Object.entries(values)
      .map(([key, value]) => `${indent}    ${key} = "${value}";\n`)
      .join('');
  const group = (name: string, values: Record<string, string>): string =>
    `${indent}  ${name} = {\n${entries(values)}${indent}  };\n`;
  return (
    `{\n${indent}  name = "Custom ${host}";\n${indent}  category = "custom";\n` +
    `${indent}  description = "Set in NixFleet";\n` +
    `${group('gradient', gradient)}${group('text', text)}${group('zellij', zellij)}${indent}}`
  );
}

/** Whether the file now says what was to be written. */
function reads(text: string, host: string, name: string): boolean {
  const hosts = findSet(text, 'hostPalette');
  const palettes = findSet(text, 'palettes');
  if (!hosts.ok || !palettes.ok) return false;
  const entry = hosts.value.bindings.find((binding) => binding.name?.toLowerCase() === host.toLowerCase());
  const [value] = entry?.value ?? [];
  return (
    value !== undefined &&
    plainStringValue(value) === name &&
    palettes.value.bindings.filter((binding) => binding.name === name).length === 1
  );
}
