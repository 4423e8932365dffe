/** How large a fleet may be. */

/** Hosts at most: an agent names itself, and a name that was never seen makes a host. */
export const MAX_HOSTS = 4_096;
