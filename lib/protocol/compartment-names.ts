/** What is known of a host, in five parts. */
export const COMPARTMENT_NAMES = ['agent', 'git', 'lock', 'system', 'tests'] as const;
export type CompartmentName = (typeof COMPARTMENT_NAMES)[number];

export const COMPARTMENT_STATUSES = ['ok', 'outdated', 'error', 'working', 'unknown'] as const;
export type CompartmentStatus = (typeof COMPARTMENT_STATUSES)[number];
