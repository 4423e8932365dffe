/**
 * How a style of the terminal looks on the dashboard's surfaces, light and dark. A program can't know what it is
 * shown on, so every colour is moved until it can be read there (WCAG 2.2, 1.4.3: a contrast of 4.5 to 1).
 */
import type { SgrColor, SgrStyle } from './sgr';

type Rgb = readonly [number, number, number];

/** Colours of one theme, as `#rrggbb`; null where the surface's own colour stays. */
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
  /** The least favourable surface that a line may lie on in this theme (marked, hovered, searched). */
  ground: Rgb;
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
    ground: hex('#e9ecf2'),
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
    ground: hex('#2a2e36'),
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

/** The colours of a style on both themes; null when it leaves both colours as they are. */
export function paintSgr(style: SgrStyle): ThemedPaint | null {
  if (style.fg === null && style.bg === null && !style.inverse) return null;
  return { light: paintOn(SURFACES.light, style), dark: paintOn(SURFACES.dark, style) };
}

function paintOn(surface: Surface, style: SgrStyle): Paint {
  const front = style.fg && resolve(style.fg, surface);
  const back = style.bg && resolve(style.bg, surface);
  const fg = style.inverse ? (back ?? surface.ground) : front;
  const bg = style.inverse ? (front ?? surface.text) : back;
  if (!bg) return { fg: fg && toHex(readable(fg, surface.ground)), bg: null };
  return { fg: toHex(readable(fg ?? surface.text, bg)), bg: toHex(bg) };
}

function resolve(color: SgrColor, surface: Surface): Rgb {
  if (color.kind === 'rgb') return [color.r, color.g, color.b];
  return surface.named[color.index] ?? surface.text;
}

/** The colour nearest to the one asked for that can be read on the ground: mixed towards white or black. */
function readable(color: Rgb, ground: Rgb): Rgb {
  if (contrast(color, ground) >= MIN_CONTRAST) return color;
  const towards = contrast(WHITE, ground) >= contrast(BLACK, ground) ? WHITE : BLACK;
  for (let share = 0.1; share < 1; share += 0.1) {
    const mixed = mix(color, towards, share);
    if (contrast(mixed, ground) >= MIN_CONTRAST) return mixed;
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

/** The grounds that the contrast is reckoned on, for tests and for whoever changes the surfaces. */
export const SGR_GROUNDS = { light: toHex(SURFACES.light.ground), dark: toHex(SURFACES.dark.ground) } as const;
