/**
 * How long a host that has activated a system waits for its confirmation, in seconds. An activation takes up to a minute
 * and reconnecting up to another one.
 */
export const MIN_CONFIRM_S = 60;
export const MAX_CONFIRM_S = 3_600;
export const DEFAULT_CONFIRM_S = 180;
