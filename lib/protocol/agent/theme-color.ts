/** The colour of a host: `#rrggbb` in lower case. The short form `#rgb` is accepted, as version 3 did, and expanded. */

/** The colour as it is stored; null for any other text. */
export function themeColorOf(text: string): string | null {
  const color = text.trim().toLowerCase();
  if (/^#[0-9a-f]{6}$/.test(color)) return color;
  return /^#[0-9a-f]{3}$/.test(color) ? color.replace(/[0-9a-f]/g, '$&$&') : null;
}
