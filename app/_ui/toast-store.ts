/** Short messages. `toast()` may be called from anywhere in the browser. */
export type ToastTone = 'info' | 'success' | 'warning' | 'error';

export interface Toast {
  id: number;
  tone: ToastTone;
  title: string;
  /** What it means or what to do; line breaks are preserved. */
  body?: string;
  action?: { label: string; run: () => void };
}

/** Maximum number at once; the oldest is removed. */
const MAX_TOASTS = 4;

const SHOWN_MS = 6_000;
/** Long enough to read it, decide and press its button. */
const SHOWN_WITH_BUTTON_MS = 20_000;

/** How long a toast is shown; null until it is dismissed or replaced. */
export function shownFor({ tone, action }: Pick<Toast, 'tone' | 'action'>): number | null {
  if (action !== undefined) return SHOWN_WITH_BUTTON_MS;
  return tone === 'error' ? null : SHOWN_MS;
}

let toasts: readonly Toast[] = [];
let nextId = 1;
let isHeld = false;
const listeners = new Set<() => void>();

/** Shows a message. Errors without a button stay until they are dismissed or replaced; others disappear after a while. */
export function toast(message: Omit<Toast, 'id'>): void {
  const id = nextId++;
  toasts = atMost([...toasts, { ...message, id }]);
  for (const listener of listeners) listener();
}

/** While a pointer is over the toasts, none is removed to make room: that would move the others. */
export function holdToasts(held: boolean): void {
  isHeld = held;
  toasts = atMost(toasts);
  for (const listener of listeners) listener();
}

function atMost(all: readonly Toast[]): readonly Toast[] {
  return isHeld ? all : all.slice(-MAX_TOASTS);
}

export function dismissToast(id: number): void {
  toasts = toasts.filter((entry) => entry.id !== id);
  for (const listener of listeners) listener();
}

export const toastStore = {
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  get: (): readonly Toast[] => toasts,
};

let slot: HTMLElement | null = null;

/** The place for toasts on a page with bars at its lower edge: above them, so that they cover no control. */
export const toastSlot = {
  subscribe: toastStore.subscribe,
  get: (): HTMLElement | null => slot,
};

/** For the `ref` of that place. */
export const setToastSlot = (element: HTMLElement | null): void => {
  slot = element;
  for (const listener of listeners) listener();
};
