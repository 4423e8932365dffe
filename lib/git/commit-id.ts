/** Commit ids as git prints them: lower-case hex, 40 digits in a SHA-1 repository and 64 in a SHA-256 repository. */

export const FULL_COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** A commit id or its beginning: agents send the first seven digits. */
export const COMMIT_PREFIX = /^[0-9a-f]{7,64}$/;
