/**
 * The palette that belongs to one colour: the same hue and saturation at fixed lightnesses, as the configuration's
 * prompt and terminal use them. Pure.
 */

export interface ThemePalette {
  gradient: Record<'lightest' | 'primary' | 'secondary' | 'midDark' | 'dark' | 'darker' | 'darkest', string>;
  text: Record<'onLightest' | 'onMedium' | 'accent' | 'muted' | 'mutedLight', string>;
  zellij: Record<'bg' | 'fg' | 'frame' | 'black' | 'white' | 'highlight', string>;
}

interface Hsl {
  /** 0 up to 1, each. */
  hue: number;
  saturation: number;
  lightness: number;
}

/** `color` is `#rrggbb`, used unchanged as `primary`. */
export function paletteOf(color: string): ThemePalette {
  const base = toHsl(color);
  const at = (lightness: number): string => toHex({ ...base, lightness });
  const primary = color.toLowerCase();
  const lightest = at(0.75);
  const secondary = at(base.lightness * 0.75);
  const darkest = at(0.05);
  return {
    gradient: { lightest, primary, secondary, midDark: at(0.2), dark: at(0.12), darker: at(0.08), darkest },
    text: { onLightest: at(0.1), onMedium: '#000000', accent: at(0.7), muted: at(0.12), mutedLight: at(0.55) },
    zellij: { bg: primary, fg: secondary, frame: primary, black: darkest, white: at(0.95), highlight: lightest },
  };
}

/** CSS Color 4, §7.2 "Converting sRGB to HSL". */
function toHsl(color: string): Hsl {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255);
  const max = Math.max(red, green, blue);
  const min = Math.min(red, green, blue);
  const lightness = (max + min) / 2;
  const range = max - min;
  if (range === 0) return { hue: 0, saturation: 0, lightness };
  const saturation = range / (1 - Math.abs(2 * lightness - 1));
  const sector =
    max === red ? (green - blue) / range : max === green ? (blue - red) / range + 2 : (red - green) / range + 4;
  return { hue: ((sector + 6) % 6) / 6, saturation, lightness };
}

/** CSS Color 4, §7.1 "Converting HSL to sRGB". */
function toHex({ hue, saturation, lightness }: Hsl): string {
  const spread = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): string => {
    const k = (offset + hue * 12) % 12;
    const value = lightness - spread * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(Math.min(1, Math.max(0, value)) * 255)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}
