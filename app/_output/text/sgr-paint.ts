/**
 * Maps terminal styles to colours on the dashboard's light and dark surfaces. Programs don't know the backbackground, so
 * every colour is adjusted until it is readable (WCAG 2.2, 1.4.3: a contrast of 4.5 to 1).
 */
import type { SgrColor, SgrStyle } from './sgr';

type Rgb = readonly [number, number, number];

/** Colours of one theme, as `#rrggbb`; null for the surface's default. */
export interface Paint {
  fg: string | null;
  bg: string | null;
}

export interface ThemedPaint {
  light: Paint;
  dark: Paint;
}

export const MIN_CONTRAST = 4.5;

interface Surface {
  /** The surface with the least contrast on which a line may be in this theme (marked, hovered, searched). */
  background: Rgb;
  text: Rgb;
  named: readonly Rgb[];
}

const hex = (value: string): Rgb => [
  Number.parseInt(value.slice(1, 3), 16),
  Number.parseInt(value.slice(3, 5), 16),
  Number.parseInt(value.slice(5, 7), 16),
];

// Black, red, green, yellow, blue, magenta, cyan, white; then the bright ones.
const SURFACES: Record<keyof ThemedPaint, Surface> = {
  light: {
    background: hex('#e9ecf2'),
    text: hex('#14181f'),
    named: [
      '#24282e',
      '#b3261e',
      '#1a7032',
      '#7d5700',
      '#1d4fc4',
      '#8a2ba0',
      '#0b6b78',
      '#565e69',
      '#4a515b',
      '#c2281f',
      '#187a37',
      '#855c00',
      '#2458d6',
      '#9633ad',
      '#0a7080',
      '#3b424b',
    ].map(hex),
  },
  dark: {
    background: hex('#2a2e36'),
    text: hex('#e9ecf1'),
    named: [
      '#9aa3af',
      '#ff8a80',
      '#69d58c',
      '#e8c35a',
      '#8ab4ff',
      '#e29bf5',
      '#62d4e3',
      '#d5dae1',
      '#aeb6c1',
      '#ffa198',
      '#86e3a3',
      '#f3d67e',
      '#a6c6ff',
      '#eeb5fb',
      '#86e2ee',
      '#f2f4f7',
    ].map(hex),
  },
};

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/** The colours of a style in both themes; null for the default colours. */
export function paintSgr(style: SgrStyle): ThemedPaint | null {
  if (style.fg === null && style.bg === null && !style.inverse) return null;
  return { light: paintOn(SURFACES.light, style), dark: paintOn(SURFACES.dark, style) };
}

function paintOn(surface: Surface, style: SgrStyle): Paint {
  const front = style.fg && resolve(style.fg, surface);
  const back = style.bg && resolve(style.bg, surface);
  const fg = style.inverse ? (back ?? surface.background) : front;
  const bg = style.inverse ? (front ?? surface.text) : back;
  if (!bg) return { fg: fg && toHex(readable(fg, surface.background)), bg: null };
  return { fg: toHex(readable(fg ?? surface.text, bg)), bg: toHex(bg) };
}

function resolve(color: SgrColor, surface: Surface): Rgb {
  if (color.kind === 'rgb') return [color.r, color.g, color.b];
  return surface.named[color.index] ?? surface.text;
}

/** The nearest colour that is readable on the backbackground: mixed towards white or black. */
function readable(color: Rgb, background: Rgb): Rgb {
  if (contrast(color, background) >= MIN_CONTRAST) return color;
  const towards = contrast(WHITE, background) >= contrast(BLACK, background) ? WHITE : BLACK;
  for (let share = 0.1; share < 1; share += 0.1) {
    const mixed = mix(color, towards, share);
    if (contrast(mixed, background) >= MIN_CONTRAST) return mixed;
  }
  return towards;
}

const mix = (a: Rgb, b: Rgb, share: number): Rgb => [
  Math.round(a[0] + (b[0] - a[0]) * share),
  Math.round(a[1] + (b[1] - a[1]) * share),
  Math.round(a[2] + (b[2] - a[2]) * share),
];

const toHex = (color: Rgb) => `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`;

/** Contrast ratio of two colours (WCAG 2.2, definition "contrast ratio"). */
export function contrastOf(a: string, b: string): number {
  return contrast(hex(a), hex(b));
}

function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

function luminance([r, g, b]: Rgb): number {
  const linear = (value: number) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** The backbackgrounds for which the contrast is computed, for tests. */
export const SGR_BACKGROUNDS = {
  light: toHex(SURFACES.light.background),
  dark: toHex(SURFACES.dark.background),
} as const;
