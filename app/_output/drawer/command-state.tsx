import { Ban, CircleCheck, CircleDashed, CircleX, Hourglass, TriangleAlert, Undo2 } from 'lucide-react';
import { Badge } from '@/app/_ui/badge';
import { Spinner } from '@/app/_ui/spinner';
import { cx } from '@/app/_ui/cx';
import { commandWord, type CommandWord } from './command-words';
import type { CommandView } from '@/lib/protocol/live/views/command-view';

const TEXT: Record<CommandWord['tone'], string> = {
  ok: 'text-ok',
  warn: 'text-warn',
  bad: 'text-bad',
  back: 'text-warn',
  busy: 'text-busy',
  idle: 'text-idle',
};

/** The state of a command as a coloured icon. Decorative: show the word beside it. */
export function CommandIcon({ command, className }: { command: CommandView; className?: string }) {
  const { tone } = commandWord(command);
  const classes = cx('size-3.5 shrink-0', TEXT[tone], className);
  if (tone === 'busy') return <Spinner size="sm" className={cx(TEXT.busy, className)} />;
  if (command.phase === 'queued') return <Hourglass aria-hidden="true" className={classes} />;
  if (tone === 'ok') return <CircleCheck aria-hidden="true" className={classes} />;
  if (tone === 'warn') return <TriangleAlert aria-hidden="true" className={classes} />;
  if (tone === 'back') return <Undo2 aria-hidden="true" className={classes} />;
  if (tone === 'bad') return <CircleX aria-hidden="true" className={classes} />;
  if (command.outcome === 'stopped' || command.outcome === 'cancelled') {
    return <Ban aria-hidden="true" className={classes} />;
  }
  return <CircleDashed aria-hidden="true" className={classes} />;
}

/** The state of a command: icon, colour and word. */
export function CommandStateBadge({ command }: { command: CommandView }) {
  const { word, tone } = commandWord(command);
  return (
    <span
      role="status"
      data-testid="command-state"
      data-phase={command.phase}
      data-outcome={command.outcome ?? ''}
      className="inline-flex"
    >
      <Badge tone={tone} icon={<CommandIcon command={command} />}>
        {word}
      </Badge>
    </span>
  );
}
