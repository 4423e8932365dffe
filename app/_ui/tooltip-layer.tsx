'use client';

import { useEffect, useRef } from 'react';
import { ageAgo } from './ages';
import { serverNow } from './clock';

const DELAY_MS = 350;
/** After a tooltip closes, the next one opens without delay for this long. */
const WARM_MS = 400;
/** Time to move the pointer from the target to the tooltip. */
const LEAVE_MS = 120;
const GAP_PX = 8;
const EDGE_PX = 8;
const TIP_ID = 'nixfleet-tip';

/**
 * The page's only tooltip, mounted in the root layout. It shows the `data-tip` of the hovered or focused element: the
 * first line is a heading, further lines explain. `data-tip-since` adds the age of the fact and `data-tip-next` what a
 * click does. For `data-tip-time` it shows that time in the browser's time zone. A single tooltip keeps a table of
 * thousands of cells cheap. It can be hovered, and Escape hides it. A row that comes under a pointer that rests opens none:
 * it would cover controls of other rows that nobody has left.
 */
export function TooltipLayer() {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => (ref.current ? attach(ref.current) : undefined), []);
  return (
    <div
      ref={ref}
      id={TIP_ID}
      role="tooltip"
      popover="manual"
      className="fixed inset-auto top-0 left-0 z-50 m-0 hidden max-w-[min(20rem,calc(100vw-1rem))] rounded-md bg-raised px-2.5 py-1.5 text-xs text-ink shadow-pop data-[open]:block"
    />
  );
}

function attach(tip: HTMLDivElement): () => void {
  let target: Element | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let leaving: ReturnType<typeof setTimeout> | undefined;
  let closedAt = 0;
  /** Where the pointer was when it came over an element. */
  let pointer = { x: NaN, y: NaN };
  /** The page has moved an element under it. */
  let isMovedUnder = false;
  const watcher = new MutationObserver(() => {
    if (!target?.isConnected || !fill(tip, target)) hide();
    else place(tip, target);
  });

  const show = (next: Element) => {
    if (!next.isConnected || !fill(tip, next)) return;
    tip.dataset.open = '';
    if (typeof tip.showPopover === 'function' && !tip.matches(':popover-open')) tip.showPopover();
    place(tip, next);
    if (!next.hasAttribute('aria-describedby') && next.getAttribute('data-tip') !== next.getAttribute('aria-label')) {
      next.setAttribute('aria-describedby', TIP_ID);
    }
    watcher.observe(next, { attributes: true, attributeFilter: ['data-tip', 'data-tip-time'] });
  };
  const hide = () => {
    clearTimeout(timer);
    clearTimeout(leaving);
    watcher.disconnect();
    if (target?.getAttribute('aria-describedby') === TIP_ID) target.removeAttribute('aria-describedby');
    target = null;
    if (tip.dataset.open === undefined) return;
    delete tip.dataset.open;
    if (typeof tip.hidePopover === 'function' && tip.matches(':popover-open')) tip.hidePopover();
    closedAt = performance.now();
  };
  const aim = (next: Element | null, delayMs: number) => {
    if (next === target) return;
    hide();
    if (!next) return;
    target = next;
    timer = setTimeout(() => show(next), performance.now() - closedAt < WARM_MS ? 0 : delayMs);
  };

  const over = (event: PointerEvent) => {
    if (event.pointerType === 'touch' || !(event.target instanceof Element)) return;
    isMovedUnder = event.screenX === pointer.x && event.screenY === pointer.y;
    pointer = { x: event.screenX, y: event.screenY };
    clearTimeout(leaving);
    if (tip.contains(event.target)) return;
    const next = isMovedUnder ? null : event.target.closest('[data-tip],[data-tip-time]');
    if (next === null && tip.dataset.open !== undefined) leaving = setTimeout(hide, LEAVE_MS);
    else aim(next, DELAY_MS);
  };
  const move = (event: PointerEvent) => {
    if (isMovedUnder && (event.screenX !== pointer.x || event.screenY !== pointer.y)) over(event);
  };
  const focus = (event: FocusEvent) => {
    if (!(event.target instanceof Element) || !event.target.matches(':focus-visible')) return;
    aim(event.target.closest('[data-tip],[data-tip-time]'), DELAY_MS);
  };
  const key = (event: KeyboardEvent) => {
    if (tip.dataset.open === undefined) return;
    // Escape closes one thing at a time: first the tooltip.
    if (event.key === 'Escape' && target?.matches(':focus-visible')) event.stopPropagation();
    hide();
  };

  document.addEventListener('pointerover', over);
  document.addEventListener('pointermove', move, { passive: true });
  document.addEventListener('focusin', focus);
  document.addEventListener('focusout', hide);
  document.addEventListener('pointerdown', hide);
  document.addEventListener('keydown', key, true);
  document.addEventListener('scroll', hide, { capture: true, passive: true });
  return () => {
    hide();
    document.removeEventListener('pointerover', over);
    document.removeEventListener('pointermove', move);
    document.removeEventListener('focusin', focus);
    document.removeEventListener('focusout', hide);
    document.removeEventListener('pointerdown', hide);
    document.removeEventListener('keydown', key, true);
    document.removeEventListener('scroll', hide, { capture: true });
  };
}

/** Fills the tooltip with the target's texts; false when it has none. */
function fill(tip: HTMLElement, target: Element): boolean {
  // The target's menu is open: a tooltip would cover it.
  if (target.matches('[aria-haspopup][aria-expanded="true"]')) return false;
  const time = target.getAttribute('data-tip-time');
  const text = time === null ? target.getAttribute('data-tip') : moment(Number(time));
  if (!text) return false;
  const [first = '', ...rest] = text.split('\n');
  const since = target.getAttribute('data-tip-since');
  if (since !== null) rest.push(`As of ${ageAgo(serverNow() - Number(since))}.`);
  const next = target.getAttribute('data-tip-next');
  if (next !== null) rest.push(next);
  const head = document.createElement('p');
  head.textContent = first;
  if (rest.length > 0) head.className = 'font-medium';
  tip.replaceChildren(head);
  for (const line of rest) {
    const paragraph = document.createElement('p');
    paragraph.textContent = line;
    paragraph.className = 'mt-0.5 text-muted';
    tip.append(paragraph);
  }
  return true;
}

function moment(at: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' }).format(at);
}

function place(tip: HTMLElement, target: Element): void {
  const box = target.getBoundingClientRect();
  const tipBox = tip.getBoundingClientRect();
  // The body's width, because the root's includes the space reserved for a scroll bar.
  const left = Math.min(
    Math.max(EDGE_PX, box.left + box.width / 2 - tipBox.width / 2),
    document.body.clientWidth - tipBox.width - EDGE_PX,
  );
  const above = box.top - tipBox.height - GAP_PX;
  const top = above >= EDGE_PX ? above : box.bottom + GAP_PX;
  tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
}
