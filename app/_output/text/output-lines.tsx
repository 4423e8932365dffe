'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown } from 'lucide-react';
import { useLayoutEffect, useRef, useState } from 'react';
import { Button } from '@/app/_ui/button';
import { cx } from '@/app/_ui/cx';
import { linePieces } from './line-pieces';
import type { OutputBuffer, OutputRow } from './output-buffer';
import type { OutputMatch } from './output-search';
import { SgrText } from './sgr-text';

const ROW_PX = 20;
const OVERSCAN_ROWS = 20;
/** Distance from the end that still counts as at the end. */
const END_PX = 12;

export interface OutputLinesProps {
  buffer: OutputBuffer;
  /** Rows in the buffer, and rows dropped before them. */
  size: number;
  dropped: number;
  label: string;
  wrap: boolean;
  times: boolean;
  pattern: RegExp | null;
  current: OutputMatch | null;
  /** No further lines will come. */
  complete: boolean;
}

/** The button that goes to the end. An output that is complete can't be followed. */
export function toEndLabel(newLines: number, complete: boolean): string {
  if (newLines > 0) return `${newLines.toLocaleString('en')} new ${newLines === 1 ? 'line' : 'lines'}`;
  return complete ? 'To the end' : 'Follow';
}

/**
 * The lines of a buffer. Only visible lines are rendered. Follows the end until the reader scrolls up, and again once the
 * end is reached.
 */
export function OutputLines(props: OutputLinesProps) {
  const { buffer, size, dropped, label, wrap, times, pattern, current, complete } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const lastDropped = useRef(dropped);
  /** Null while following; else the number of the last line when the reader scrolled up. */
  const [pausedAt, setPausedAt] = useState<number | null>(null);
  const following = pausedAt === null;

  // eslint-disable-next-line react-hooks/incompatible-library -- its functions are used only here
  const virtualizer = useVirtualizer({
    count: size,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => dropped + index,
    overscan: OVERSCAN_ROWS,
  });
  const totalPx = virtualizer.getTotalSize();

  // The height of rows depends on wrapping and timestamps: measure them again.
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, wrap, times]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    if (following) element.scrollTop = element.scrollHeight;
    // The oldest rows were dropped: keep the visible rows in place.
    else if (dropped > lastDropped.current) element.scrollTop -= (dropped - lastDropped.current) * ROW_PX;
    lastTop.current = element.scrollTop;
    lastDropped.current = dropped;
  }, [following, totalPx, dropped]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const watcher = new ResizeObserver(() => {
      if (following) element.scrollTop = element.scrollHeight;
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [following]);

  const target = current ? current.position - dropped : null;
  const [shownTarget, setShownTarget] = useState<OutputMatch | null>(null);
  if (current !== shownTarget) {
    setShownTarget(current);
    if (current) setPausedAt(buffer.lastSeq);
  }
  useLayoutEffect(() => {
    if (target !== null && target >= 0) virtualizer.scrollToIndex(target, { align: 'center' });
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only another match scrolls the page, new lines do not
  }, [current, virtualizer]);

  const scrolled = () => {
    const element = scroller.current;
    if (!element) return;
    const atEnd = element.scrollHeight - element.clientHeight - element.scrollTop <= END_PX;
    const wentUp = element.scrollTop < lastTop.current;
    lastTop.current = element.scrollTop;
    if (following && wentUp && !atEnd) setPausedAt(buffer.lastSeq);
    else if (!following && atEnd && !wentUp) setPausedAt(null);
  };

  const newLines = pausedAt === null ? 0 : buffer.lastSeq - pausedAt;
  return (
    <div className="relative flex min-h-0 grow flex-col">
      {dropped > 0 && (
        <p className="border-b bg-sunken px-4 py-1 text-xs text-muted">
          The first {dropped.toLocaleString('en')} lines are not shown here. Download the output to see all lines.
        </p>
      )}
      <div
        ref={scroller}
        role="log"
        aria-label={label}
        aria-live="off"
        data-following={following}
        tabIndex={0}
        onScroll={scrolled}
        className="thin-scrollbar min-h-0 grow overflow-auto overscroll-contain bg-sunken font-mono text-xs focus-visible:-outline-offset-2"
      >
        <div className="relative w-full" style={{ height: totalPx }}>
          {virtualizer.getVirtualItems().map((item) => {
            const row = buffer.row(item.index);
            return (
              row && (
                <div
                  key={item.key}
                  ref={wrap ? virtualizer.measureElement : undefined}
                  data-index={item.index}
                  data-testid="output-line"
                  data-seq={row.seq}
                  data-stream={row.stream}
                  className={cx('absolute top-0 left-0 flex min-w-full leading-5', wrap && 'w-full')}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <Line
                    row={row}
                    wrap={wrap}
                    times={times}
                    pattern={pattern}
                    currentStart={target === item.index ? (current?.start ?? null) : null}
                  />
                </div>
              )
            );
          })}
        </div>
      </div>
      {!following && (
        <Button
          size="sm"
          variant={newLines > 0 ? 'primary' : 'secondary'}
          icon={<ArrowDown aria-hidden="true" className="size-3.5" />}
          className="absolute right-5 bottom-3 rounded-full shadow-pop"
          onClick={() => setPausedAt(null)}
        >
          {toEndLabel(newLines, complete)}
        </Button>
      )}
    </div>
  );
}

const STREAMS: Record<OutputRow['stream'], string> = {
  stdout: 'border-transparent',
  // Nix writes almost everything to stderr: a mark, not an alarm.
  stderr: 'border-warn/70',
  note: 'border-busy bg-busy-soft text-busy italic',
};

function Line({
  row,
  wrap,
  times,
  pattern,
  currentStart,
}: {
  row: OutputRow;
  wrap: boolean;
  times: boolean;
  pattern: RegExp | null;
  currentStart: number | null;
}) {
  const pieces = linePieces(row.text, row.startStyle, pattern, currentStart);
  return (
    <div className={cx('flex min-w-full grow gap-3 border-l-2 pr-4 pl-3', STREAMS[row.stream])}>
      {times && (
        <time dateTime={new Date(row.at).toISOString()} className="shrink-0 text-faint select-none">
          {clockTime(row.at)}
        </time>
      )}
      {row.stream === 'stderr' && <span className="sr-only">stderr: </span>}
      {row.stream === 'note' && <span className="sr-only">Note from the dashboard: </span>}
      <span className={wrap ? 'min-w-0 grow break-words whitespace-pre-wrap' : 'whitespace-pre'}>
        <SgrText pieces={pieces} />
        {/* Gives an empty line its height. */}
        {pieces.length === 0 && '\u200b'}
      </span>
    </div>
  );
}

const pad = (value: number, length = 2) => String(value).padStart(length, '0');

/** Hours to milliseconds, in the browser's time zone. */
function clockTime(at: number): string {
  const time = new Date(at);
  return `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}.${pad(time.getMilliseconds(), 3)}`;
}
