/** How large the arguments of a server action may be. */

/**
 * A dispatch to 5,000 hosts with names of 63 characters takes 330 kB; nothing else that a page sends comes near it.
 * `next.config.mjs`, which can't import TypeScript, repeats it; a test compares the two.
 */
export const MAX_ACTION_BODY_BYTES = 512 * 1024;
