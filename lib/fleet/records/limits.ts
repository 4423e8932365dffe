/** How large a fleet may be. */

/** Hosts at most: agents name themselves, and an unknown name creates a host. */
export const MAX_HOSTS = 4_096;
