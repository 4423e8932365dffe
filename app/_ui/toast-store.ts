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

let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

/** Shows a message. Errors stay until they are dismissed or replaced; others disappear after a while. */
export function toast(message: Omit<Toast, 'id'>): void {
  const id = nextId++;
  toasts = [...toasts, { ...message, id }].slice(-MAX_TOASTS);
  for (const listener of listeners) listener();
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
