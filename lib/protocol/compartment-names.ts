export const COMPARTMENT_NAMES = ['agent', 'git', 'lock', 'system', 'tests'] as const;
export type CompartmentName = (typeof COMPARTMENT_NAMES)[number];
export type CompartmentStatus = 'ok' | 'outdated' | 'error' | 'working' | 'unknown';
