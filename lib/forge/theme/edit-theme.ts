/**
 * Writes a host's colour into a Nix file with the sets `palettes` and `hostPalette`: a palette `custom-<host>`, and the
 * host's entry that names it. Pure. The reference dashboard wrote at the last `};`, which broke the file.
 */
import { findSet, type AttributeSet, type Binding, type Found } from '../nix/attribute-set';
import { plainStringValue } from '../nix/nix-tokens';
import { paletteOf } from './gradient';

const HOST = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/**
 * Returns the new text; a problem is a clause for "The file … <problem>". Unchanged text means the colour is already
 * set.
 */
export function setThemeColor(text: string, host: string, color: string): Found<string> {
  if (!HOST.test(host))
    return { ok: false, problem: 'cannot hold this host name: only letters, digits, ".", "_" and "-" are allowed' };
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
  return reads(written.value, host, name)
    ? written
    : { ok: false, problem: 'would not hold the colour after the change' };
}

type Replace = (old: Binding['value'], indent: string) => { at: { start: number; end: number }; text: string } | null;

/** Replaces an entry of a set, or adds it at the end of the set. */
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
    return { ok: false, problem: `has a ${name} in ${set} that is computed, so it is not overwritten` };
  return { ok: true, value: text.slice(0, change.at.start) + change.text + text.slice(change.at.end) };
}

function insert(text: string, { bindings }: AttributeSet, close: number, added: (indent: string) => string): string {
  const last = bindings.at(-1);
  const outer = indentAt(text, close);
  const indent = last === undefined ? `${outer}  ` : indentAt(text, last.start);
  // Before the line of the closing brace, so that a comment after the last entry stays with it.
  const line = text.lastIndexOf('\n', close - 1) + 1;
  const isAlone = text.slice(line, close).trim() === '';
  const at = isAlone ? line : close;
  return `${text.slice(0, at)}${isAlone ? '' : '\n'}${added(indent)}\n${isAlone ? '' : outer}${text.slice(at)}`;
}

/** The indentation of the line at this position. */
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

/** Whether the file now holds the written entries. */
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
