export const EVENT_LEVELS = ['info', 'success', 'warning', 'error'] as const;
export type EventLevel = (typeof EVENT_LEVELS)[number];

export const EVENT_CATEGORIES = ['fleet', 'command', 'auth', 'agent', 'system'] as const;
export type EventCategory = (typeof EVENT_CATEGORIES)[number];
