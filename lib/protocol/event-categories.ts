export type EventLevel = 'info' | 'success' | 'warning' | 'error';
export type EventCategory = 'fleet' | 'command' | 'auth' | 'agent' | 'system';
