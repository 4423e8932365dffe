'use client';

import type { KeyboardEvent, PointerEvent } from 'react';
import { fittingHeight, KEPT_ABOVE_PX, MIN_HEIGHT_PX } from './drawer-settings';

const STEP_PX = 24;
const LEAP_PX = 120;

/** The top edge of the drawer: drag it, or move it with the arrow keys. */
export function DrawerResizer({ height, onResize }: { height: number; onResize: (height: number) => void }) {
  const resize = (next: number) => onResize(fittingHeight(next, window.innerHeight));

  const key = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowUp: height + STEP_PX,
      ArrowDown: height - STEP_PX,
      PageUp: height + LEAP_PX,
      PageDown: height - LEAP_PX,
      Home: window.innerHeight,
      End: MIN_HEIGHT_PX,
    };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    resize(next);
  };

  const press = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return;
    event.preventDefault();
    const handle = event.currentTarget;
    const from = event.clientY;
    handle.setPointerCapture(event.pointerId);
    handle.focus();
    const move = (moved: globalThis.PointerEvent) => resize(height + from - moved.clientY);
    const release = () => {
      handle.removeEventListener('pointermove', move);
      handle.removeEventListener('pointerup', release);
      handle.removeEventListener('pointercancel', release);
    };
    handle.addEventListener('pointermove', move);
    handle.addEventListener('pointerup', release);
    handle.addEventListener('pointercancel', release);
  };

  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- a separator that moves (ARIA, window splitter)
    <div
      role="separator"
      aria-label="Height of the output"
      aria-orientation="horizontal"
      aria-valuenow={height}
      aria-valuemin={MIN_HEIGHT_PX}
      aria-valuemax={Math.max(MIN_HEIGHT_PX, window.innerHeight - KEPT_ABOVE_PX)}
      aria-valuetext={`${height} pixels`}
      tabIndex={0}
      onKeyDown={key}
      onPointerDown={press}
      className="group absolute inset-x-0 -top-1.5 z-10 flex h-3 cursor-row-resize touch-none items-center justify-center outline-none"
    >
      <span className="h-1 w-12 rounded-full bg-line-strong opacity-0 transition-opacity group-hover:opacity-100 group-focus-visible:w-24 group-focus-visible:bg-accent group-focus-visible:opacity-100" />
    </div>
  );
}
