import type { CSSProperties } from 'react';
import { cx } from '@/app/_ui/cx';
import type { LinePiece } from './line-pieces';
import { PLAIN_STYLE, type SgrStyle } from './sgr';
import { paintSgr } from './sgr-paint';

const MARKS: Record<Exclude<LinePiece['mark'], 'none'>, string> = {
  match: 'rounded-xs bg-warn-soft text-warn outline outline-warn/60',
  current: 'rounded-xs bg-warn text-surface outline-2 outline-warn',
};

/**
 * A line's pieces in their colours. Arbitrary colours can't be classes. The content security policy allows these styles
 * because the drawer is never rendered on the server.
 */
export function SgrText({ pieces }: { pieces: readonly LinePiece[] }) {
  return pieces.map((piece, index) => <Piece key={index} piece={piece} />);
}

function Piece({ piece: { text, style, mark } }: { piece: LinePiece }) {
  if (mark !== 'none') return <mark className={cx(styleClasses(style), MARKS[mark])}>{text}</mark>;
  if (style === PLAIN_STYLE) return text;
  return (
    <span className={styleClasses(style)} style={colors(style)}>
      {text}
    </span>
  );
}

function styleClasses(style: SgrStyle): string {
  return cx(
    style.bold && 'font-bold',
    style.italic && 'italic',
    style.underline && style.strike && 'line-through underline',
    style.underline && !style.strike && 'underline',
    style.strike && !style.underline && 'line-through',
    // A text with a colour has to stay readable, so it is not dimmed.
    style.dim && style.fg === null && style.bg === null && !style.inverse && 'text-faint',
  );
}

function colors(style: SgrStyle): CSSProperties | undefined {
  const paint = paintSgr(style);
  if (!paint) return undefined;
  const { light, dark } = paint;
  return {
    ...(light.fg && dark.fg ? { color: `light-dark(${light.fg}, ${dark.fg})` } : {}),
    ...(light.bg && dark.bg ? { backgroundColor: `light-dark(${light.bg}, ${dark.bg})` } : {}),
  };
}
